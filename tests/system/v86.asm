; SPDX-License-Identifier: MIT
; Virtual-8086 mode: entry by IRET and task switch, sensitive instructions by IOPL, VME with its
; interrupt redirection map and VIF, interrupts out of v86 by gates to rings 0 and 1, privileged and
; protected-only instructions, PVI, limits (SDM 3B "8086 Emulation").
%include "lib.inc"
section .text
bits 32
V86STACK equ 0xF000           ; SS = 1000h: linear 1F000h
REDIRECT equ TSS + 104        ; 32 bytes before the I/O bitmap

%macro TO_V86 1               ; flags
  push dword 0x4444           ; gs fs ds es
  push dword 0x3333
  push dword 0
  push dword 0x1111
  push dword 0x1000
  push dword V86STACK
  push dword (%1) | 0x20002
  push dword 0
  push dword %%v86
  iretd
bits 16
%%v86:
%endmacro
%macro V_MORE 0
  int 0x30
bits 32
%$resume:
%pop
  call report32
  SHOW " ds=", [r_v86 + 8], 4
  SHOW " gs=", [r_v86 + 24], 4
%endmacro
%macro V_END 0
  V_MORE
  NL
%endmacro
%macro V86 3+                 ; text, flags, instruction
  T %1
  call setup_redirection
  TO_V86 %2
  xor eax, eax
  xor ebx, ebx
  AT %3
  V_END
%endmacro
; At IOPL 0 and 3, IF clear and set.
%macro BY_IOPL 2+
  V86 {%1, " iopl 0"}, 0, %2
  V86 {%1, " iopl 3"}, 0x3000, %2
  V86 {%1, " iopl 0 vif"}, 0x80000, %2
  V86 {%1, " iopl 0 vip"}, 0x100000, %2
  V86 {%1, " iopl 3 if"}, 0x3200, %2
%endmacro
%macro SENSITIVE 0
  BY_IOPL "cli", cli
  BY_IOPL "sti", sti
  BY_IOPL "pushf", {pushf}
  BY_IOPL "pushfd", {o32 pushf}
  BY_IOPL "popf ones", call popf_ones
  BY_IOPL "popf zero", call popf_zero
  BY_IOPL "popf TF", call popf_tf
  BY_IOPL "popfd", call popfd_ones
  BY_IOPL "int 20h, redirected", int 0x20
  BY_IOPL "int 21h, not redirected", int 0x21
  BY_IOPL "int3", int3
  BY_IOPL "iret", call iret_ones
  BY_IOPL "iret zero", call iret_zero
  BY_IOPL "iretd", call iretd_ones
%endmacro

; Vector 20h goes to the program's own handler, the others to the monitor. The map lies below the
; I/O bitmap.
setup_redirection:
  mov edi, REDIRECT
  mov ecx, 8
  mov eax, -1
  rep stosd
  mov ecx, 0x2000 / 4
  xor eax, eax
  rep stosd
  mov word [TSS + 102], 104 + 32
  mov byte [REDIRECT + 4], 0xFE
  mov dword [0x20 * 4], v86_handler
  mov byte [IDT + 0x20 * 8 + 5], 0xEE
  mov byte [IDT + 0x21 * 8 + 5], 0xEE
  ret

bits 16
v86_handler:
  mov bp, sp
  mov ebx, [bp]               ; ip, cs
  mov edx, [bp + 4]           ; flags
  movzx edx, dx
  int 0x30
popf_ones:
  push word 0x7ED7
  popf
  ret
popf_zero:
  push word 0
  popf
  ret
popf_tf:
  push word 0x100
  popf
  nop
  ret
popfd_ones:
  push dword 0x3F7ED7
  o32 popf
  ret
iret_ones:
  pop bx
  push word 0x7ED7
  push word 0
  push bx
  iret
iret_zero:
  pop bx
  push word 0
  push word 0
  push bx
  iret
iretd_ones:
  pop bx
  movzx ebx, bx
  push dword 0x3F7ED7
  push dword 0
  push ebx
  o32 iret
bits 32

main:
  V86 "entry", 0, nop
  V86 "entry with all flags", 0x3C5ED7, nop
  V86 "hlt", 0x3000, hlt
  V86 "mov cr0", 0x3000, mov eax, cr0
  V86 "mov dr0", 0x3000, mov eax, dr0
  V86 "clts", 0x3000, clts
  V86 "lgdt", 0x3000, lgdt [0]
  V86 "lmsw", 0x3000, lmsw ax
  V86 "smsw", 0, smsw ax
  V86 "sgdt", 0, sgdt [0x7000]
  V86 "lldt", 0x3000, lldt ax
  V86 "sldt", 0x3000, sldt ax
  V86 "str", 0x3000, str ax
  V86 "ltr", 0x3000, ltr ax
  V86 "lar", 0x3000, lar ax, bx
  V86 "lsl", 0x3000, lsl ax, bx
  V86 "verr", 0x3000, verr ax
  V86 "arpl", 0x3000, arpl ax, bx
  V86 "rdmsr", 0x3000, rdmsr
  V86 "sysenter", 0x3000, sysenter
  V86 "sysexit", 0x3000, sysexit
  V86 "syscall", 0x3000, syscall
  V86 "invlpg", 0x3000, invlpg [0]
  V86 "ud2", 0, ud2
  V86 "lock cli", 0, {db 0xF0}, cli
  V86 "in allowed by the map", 0, in al, 0x80
  T "in denied by the map"
  call setup_redirection
  mov byte [TSS + 104 + 32 + 16], 1
  TO_V86 0x3000
  AT in al, 0x80
  V_END
  V86 "word at the limit", 0, call word_at_limit
  V86 "word over the limit", 0, call word_over_limit
  V86 "push wraps", 0, call push_wraps
  V86 "address beyond 64K", 0, call beyond_64k
  V86 "jump beyond 64K", 0, o32 jmp dword 0x10000
  V86 "divide error", 0, div bl
  V86 "into", 0, call do_into
  V86 "bound", 0, call do_bound
  V86 "int1", 0, db 0xF1
  V86 "TF", 0x100, nop
  V86 "load ds and use it", 0, call use_ds
  V86 "mov from cs, over 1 MiB", 0, call high_segment

  SAY "VME off", 10
  SENSITIVE
  mov eax, cr4
  or eax, 1
  mov cr4, eax
  SAY "VME on", 10
  SENSITIVE
  T "redirection map beyond the tss limit"
  call setup_redirection
  mov word [TSS + 102], 0x1010
  TO_V86 0
  AT int 0x20
  V_END
  T "redirection map below the tss start"
  call setup_redirection
  mov word [TSS + 102], 0x10
  TO_V86 0
  AT int 0x20
  V_END
  T "VIP and VIF together at entry"
  call setup_redirection
  TO_V86 0x180000
  AT nop
  V_END
  T "sti with VIP at iopl 0"
  call setup_redirection
  TO_V86 0x100000
  AT sti
  V_END
  mov eax, cr4
  and eax, ~1
  mov cr4, eax

  ; PVI: VIF at CPL 3 of protected mode.
  mov eax, cr4
  or eax, 2
  mov cr4, eax
%macro PVI 3+
  T %1
  TO3 %2
  AT %3
  E
%endmacro
  PVI "pvi: sti", 2, sti
  PVI "pvi: cli", 0x80002, cli
  PVI "pvi: sti with VIP", 0x100002, sti
  PVI "pvi: cli iopl 3", 0x3202, cli
  PVI "pvi: VIF and VIP in the frame", 0x180002, nop
  mov eax, cr4
  and eax, ~2
  mov cr4, eax

  ; Gates out of v86.
  T "int from v86 through a gate to ring 1"
  call setup_redirection
  mov word [IDT + 0x21 * 8 + 2], CODE1
  TO_V86 0x3000
  AT int 0x21
  V_END
  T "int from v86 through a gate to conforming code"
  call setup_redirection
  DESC SLOT, 0, 0xFFFFF, 0x9F, 0xC
  mov word [IDT + 0x21 * 8 + 2], SLOT
  TO_V86 0x3000
  AT int 0x21
  V_END
  T "int from v86 through a gate of dpl 0"
  call setup_redirection
  mov byte [IDT + 0x21 * 8 + 5], 0x8E
  TO_V86 0x3000
  AT int 0x21
  V_END
  T "iret to v86 from cpl 3 stays"
  call setup_redirection
  TO3
  push dword 0x20002
  push dword CODE3
  push dword .stays
  AT iretd
.stays:
  E
  T "iret to v86 with NT"
  call setup_redirection
  TO_V86 0x4000
  AT nop
  V_END
  T "iret back into v86 keeps the segments"
  call setup_redirection
  mov dword [t_hook], .go_back
  TO_V86 0x3000
  AT int 0x21
  mov ax, ds
  mov bx, es
  mov cx, fs
  mov dx, gs
  int 0x30
bits 32
.go_back:
  mov dword [t_hook], 0
  jmp hook_return32
%$resume:
%pop
  call report32
  SHOW " ", [r_ax], 4
  SHOW " ", [r_bx], 4
  SHOW " ", [r_cx], 4
  SHOW " ", [r_dx], 4
  NL
  T "task switch to v86"
  call setup_redirection
  mov edi, TSS2
  mov ecx, 26
  xor eax, eax
  rep stosd
  mov dword [TSS2 + 4], STACK0
  mov dword [TSS2 + 8], DATA0
  mov dword [TSS2 + 32], .v86_task
  mov dword [TSS2 + 36], 0x23002
  mov dword [TSS2 + 56], V86STACK
  mov dword [TSS2 + 72], 0x1111
  mov dword [TSS2 + 80], 0x1000
  mov dword [TSS2 + 88], 0x3333
  mov dword [TSS2 + 92], 0x4444
  mov dword [TSS2 + 100], 0x00680000
  DESC SLOT, TSS2, 0x67, 0x89, 0
  AT jmp SLOT:0
bits 16
.v86_task:
  mov ax, fs
  V_MORE
  SHOW " fs=", [r_ax], 4
  NL
  FINISH

bits 16
word_at_limit:
  mov bx, 0xFFFE
  mov ax, [bx]
  ret
word_over_limit:
  mov bx, 0xFFFF
  mov ax, [bx]
  ret
push_wraps:
  mov sp, 0
  push ax
  int 0x30
beyond_64k:
  mov ebx, 0x10000
  mov al, [ebx]
  ret
do_into:
  mov al, 0x7F
  add al, 1
  into
  ret
do_bound:
  mov bx, 0x7000
  mov dword [bx], 0x00020001
  xor ax, ax
  bound ax, [bx]
  ret
use_ds:
  mov ax, 0x1230
  mov ds, ax
  mov al, [0]
  ret
high_segment:
  mov ax, 0xFFFF
  mov es, ax
  mov al, [es:0xFFFF]
  ret
