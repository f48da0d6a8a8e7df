; SPDX-License-Identifier: MIT
; Hardware task switches by JMP, CALL, INT, exception and IRET, 32-bit and 16-bit TSS, nested tasks,
; busy rules and faults before and in the new task (SDM 3A "Task Management").
%include "lib.inc"
section .text
bits 32
T32  equ SLOT                 ; TSS2, 32-bit
T16  equ SLOT + 8             ; TSS3, 16-bit
TG   equ SLOT + 16            ; task gate to T32

%macro NEW_TSS32 1            ; entry
  mov edi, TSS2
  mov ecx, 26
  xor eax, eax
  rep stosd
  mov dword [TSS2 + 4], STACK0
  mov dword [TSS2 + 8], DATA0
  mov dword [TSS2 + 32], %1
  mov dword [TSS2 + 36], 0x0002
  mov dword [TSS2 + 40], 0xA0A0A0A0
  mov dword [TSS2 + 44], 0xC1C1C1C1
  mov dword [TSS2 + 48], 0xD2D2D2D2
  mov dword [TSS2 + 52], 0xB3B3B3B3
  mov dword [TSS2 + 56], STACK1
  mov dword [TSS2 + 60], 0xB5B5B5B5
  mov dword [TSS2 + 64], 0x56565656
  mov dword [TSS2 + 68], 0xD7D7D7D7
  mov dword [TSS2 + 72], DATA0
  mov dword [TSS2 + 76], CODE0
  mov dword [TSS2 + 80], DATA0
  mov dword [TSS2 + 84], DATA0
  mov dword [TSS2 + 88], DATA0
  mov dword [TSS2 + 92], DATA0
  mov dword [TSS2 + 100], 0x00680000
  DESC T32, TSS2, 0x67, 0x89, 0
  GATE GDT + TG, T32, 0, 0xE5, 0
%endmacro
%macro NEW_TSS16 1
  mov edi, TSS3
  mov ecx, 22
  xor eax, eax
  rep stosw
  mov word [TSS3 + 2], 0xFF00
  mov word [TSS3 + 4], DATA0
  mov word [TSS3 + 14], %1
  mov word [TSS3 + 16], 0x0002
  mov word [TSS3 + 18], 0xA0A0
  mov word [TSS3 + 20], 0xC1C1
  mov word [TSS3 + 22], 0xD2D2
  mov word [TSS3 + 24], 0xB3B3
  mov word [TSS3 + 26], 0xFE00
  mov word [TSS3 + 28], 0xB5B5
  mov word [TSS3 + 30], 0x5656
  mov word [TSS3 + 32], 0xD7D7
  mov word [TSS3 + 34], DATA0
  mov word [TSS3 + 36], CODE0
  mov word [TSS3 + 38], SLOT + 32
  mov word [TSS3 + 40], DATA0
  DESC T16, TSS3, 0x2B, 0x81, 0
  DESC SLOT + 32, 0, 0xFFFF, 0x93, 0
%endmacro

; What there is to see after a switch: TR, NT, TS, busy bits, back links, the saved state.
%macro STATE 0
  str ax
  movzx eax, ax
  mov [v_i], eax
  mov eax, cr0
  mov [v_j], eax
  SHOW " tr=", [v_i], 4
  SHOW " cr0=", [v_j], 2
  SHOW " busy=", [GDT + TSSSEL + 5], 2
  SHOW ",", [GDT + T32 + 5], 2
  SHOW ",", [GDT + T16 + 5], 2
  SHOW " link=", [TSS], 4
  SHOW ",", [TSS2], 4
  SHOW ",", [TSS3], 4
  NL
%endmacro
%macro SAVED32 1              ; of the TSS at %1, eip relative to t_base
  SAY "  saved32"
  mov ebx, [%1 + 32]
  sub ebx, [t_base]
  SHOW " eip+", ebx, 4
  mov ebx, [%1 + 36]
  and ebx, CONTROL_FLAGS
  SHOW " fl=", ebx
  SHOW " eax=", [%1 + 40]
  SHOW " ecx=", [%1 + 44]
  SHOW " edx=", [%1 + 48]
  SHOW " ebx=", [%1 + 52]
  SHOW " ebp=", [%1 + 60]
  SHOW " esi=", [%1 + 64]
  SHOW " edi=", [%1 + 68]
  SHOW " es=", [%1 + 72], 4
  SHOW " cs=", [%1 + 76], 4
  SHOW " ss=", [%1 + 80], 4
  SHOW " ds=", [%1 + 84], 4
  SHOW " fs=", [%1 + 88], 4
  SHOW " gs=", [%1 + 92], 4
  NL
%endmacro
%macro REGS 0
  SAY "  regs"
  SHOW " eax=", [r_ax]
  SHOW " ecx=", [r_cx]
  SHOW " edx=", [r_dx]
  SHOW " ebx=", [r_bx]
  SHOW " ebp=", [r_bp]
  SHOW " esi=", [r_si]
  SHOW " edi=", [r_di]
  SHOW " ds=", [r_ds], 4
  SHOW " es=", [r_es], 4
  SHOW " fs=", [r_fs], 4
  SHOW " gs=", [r_gs], 4
  NL
%endmacro
%macro PATTERN 0
  mov eax, 0x01010101
  mov ecx, 0x02020202
  mov edx, 0x03030303
  mov ebx, 0x04040404
  mov ebp, 0x05050505
  mov esi, 0x06060606
  mov edi, 0x07070707
%endmacro

%macro SWITCH 2+              ; text, instruction
  T %1
  NEW_TSS32 landing
  NEW_TSS16 landing16
  PATTERN
  AT %2
  mov dword [t_base], %$at
  E_MORE
  STATE
%endmacro

main:
  SWITCH "jmp tss32", jmp T32:0
  SAVED32 TSS
  REGS
  SWITCH "call tss32", call T32:0
  SAVED32 TSS
  REGS
  SWITCH "jmp tss16", jmp T16:0
  SAVED32 TSS
  REGS
  SWITCH "call tss16", call T16:0
  SAVED32 TSS
  REGS
  SWITCH "jmp task gate", jmp TG:0
  SWITCH "call task gate", call TG:0
  SWITCH "call task gate rpl 3", call TG | 3:0
  SWITCH "jmp tss rpl 3", jmp T32 | 3:0
  SWITCH "jmp to own busy tss", jmp TSSSEL:0
  SWITCH "call own busy tss", call TSSSEL:0

  T "call tss32, iret back"
  NEW_TSS32 back
  PATTERN
  AT call T32:0
  E_MORE
  STATE
  SAVED32 TSS2
  REGS
  T "call tss16, iret back"
  NEW_TSS16 back16
  NEW_TSS32 back
  PATTERN
  AT call T16:0
  E_MORE
  STATE
  REGS
  T "call tss32, jmp back does not keep NT"
  NEW_TSS32 .jmp_back
  PATTERN
  AT call T32:0
  jmp .jmp_back_checked
.jmp_back:
  mov byte [GDT + TSSSEL + 5], 0x89
  jmp TSSSEL:0
.jmp_back_checked:
  E_MORE
  STATE
  T "second call continues after iret"
  NEW_TSS32 .again
  PATTERN
  call T32:0
  AT call T32:0
  jmp .again_done
.again:
  mov eax, 0x1111
  iretd
  mov eax, 0x2222
  iretd
.again_done:
  E_MORE
  STATE
  SAVED32 TSS2
  T "interrupt through a task gate"
  NEW_TSS32 landing
  GATE IDT + 0x2E * 8, T32, 0, 0xE5, 0
  PATTERN
  AT int 0x2E
  E_MORE
  STATE
  SAVED32 TSS
  T "interrupt through a task gate, iret back"
  NEW_TSS32 back
  GATE IDT + 0x2E * 8, T32, 0, 0xE5, 0
  PATTERN
  AT int 0x2E
  E_MORE
  STATE
  T "exception with an error code through a task gate"
  NEW_TSS32 .error_task
  GATE IDT + 13 * 8, T32, 0, 0x85, 0
  PATTERN
  mov bx, 0x1000
  AT mov ds, bx
.error_task:
  mov eax, [esp]
  mov ecx, esp
  E_MORE
  STATE
  SHOW "  error=", [r_ax]
  SHOW " esp=", [r_cx]
  NL
  SAVED32 TSS
  T "interrupt at cpl 3 through a task gate"
  NEW_TSS32 landing
  GATE IDT + 0x2E * 8, T32, 0, 0xE5, 0
  TO3
  AT int 0x2E
  E_MORE
  STATE
  SAVED32 TSS
  T "interrupt at cpl 3 through a task gate of dpl 0"
  NEW_TSS32 landing
  GATE IDT + 0x2E * 8, T32, 0, 0x85, 0
  TO3
  AT int 0x2E
  E_MORE
  STATE
  T "jmp tss at cpl 3"
  NEW_TSS32 landing
  TO3
  AT jmp T32:0
  E_MORE
  STATE
  T "jmp tss of dpl 3 at cpl 3"
  NEW_TSS32 landing
  or byte [GDT + T32 + 5], 0x60
  TO3
  AT jmp T32 | 3:0
  E_MORE
  STATE
  T "call task gate of dpl 3 at cpl 3"
  NEW_TSS32 landing
  TO3
  AT call TG | 3:0
  E_MORE
  STATE
  T "call task gate of dpl 0 at cpl 3"
  NEW_TSS32 landing
  mov byte [GDT + TG + 5], 0x85
  TO3
  AT call TG | 3:0
  E_MORE
  STATE
  T "switch to a task at cpl 3"
  NEW_TSS32 landing
  mov dword [TSS2 + 76], CODE3
  mov dword [TSS2 + 80], DATA3
  mov dword [TSS2 + 84], DATA3
  mov dword [TSS2 + 36], 0x3202
  AT jmp T32:0
  E_MORE
  STATE

  ; Faults before the switch: in the old task.
%macro FAULT 2-3+ nop         ; text, transfer, setup
  T %1
  NEW_TSS32 landing
  NEW_TSS16 landing16
  %3
  PATTERN
  mov dword [t_base], %$at
  AT %2
  E_MORE
  STATE
%endmacro
  FAULT "jmp busy tss", {jmp T32:0}, mov byte [GDT + T32 + 5], 0x8B
  FAULT "call busy tss", {call T32:0}, mov byte [GDT + T32 + 5], 0x8B
  FAULT "jmp busy tss through a gate", {jmp TG:0}, mov byte [GDT + T32 + 5], 0x8B
  FAULT "jmp tss not present", {jmp T32:0}, mov byte [GDT + T32 + 5], 0x09
  FAULT "jmp tss too small", {jmp T32:0}, mov byte [GDT + T32], 0x66
  FAULT "jmp tss16 too small", {jmp T16:0}, mov byte [GDT + T16], 0x2A
  FAULT "jmp task gate not present", {jmp TG:0}, mov byte [GDT + TG + 5], 0x65
  FAULT "jmp task gate to a null selector", {jmp TG:0}, mov word [GDT + TG + 2], 0
  FAULT "jmp task gate to code", {jmp TG:0}, mov word [GDT + TG + 2], CODE0
  FAULT "jmp task gate to the ldt", {jmp TG:0}, mov word [GDT + TG + 2], T32 | 4
  FAULT "jmp tss beyond the gdt", {jmp 0x200:0}
  FAULT "int task gate to a busy tss", {int 0x2E}, call int_gate_busy
  FAULT "iret with NT, no busy tss in the link", {iretd}, call nested_available
  FAULT "iret with NT, null link", {iretd}, call nested_null
  FAULT "iret with NT, link to code", {iretd}, call nested_code
  FAULT "iret with NT, link into the ldt", {iretd}, call nested_ldt
  FAULT "iret with NT, tss not present", {iretd}, call nested_absent
  FAULT "iret with NT", {iretd}, call nested_good

  ; Faults after the commit: in the new task, its eip on the stack.
  FAULT "new task: cs null", {jmp T32:0}, mov dword [TSS2 + 76], 0
  FAULT "new task: cs is data", {jmp T32:0}, mov dword [TSS2 + 76], DATA0
  FAULT "new task: cs beyond the gdt", {jmp T32:0}, mov dword [TSS2 + 76], 0x200
  FAULT "new task: cs not present", {jmp T32:0}, call absent_code
  FAULT "new task: ds bad", {jmp T32:0}, mov dword [TSS2 + 84], TSSSEL
  FAULT "new task: ds null", {jmp T32:0}, mov dword [TSS2 + 84], 0
  FAULT "new task: gs not present", {jmp T32:0}, call absent_gs
  FAULT "new task: ldt bad", {jmp T32:0}, mov dword [TSS2 + 96], DATA0
  FAULT "new task: ldt beyond the gdt", {jmp T32:0}, mov dword [TSS2 + 96], 0x200
  FAULT "new task: ldt not present", {jmp T32:0}, call absent_ldt
  FAULT "new task: ldt good", {jmp T32:0}, mov dword [TSS2 + 96], LDTSEL
  FAULT "new task: T bit", {jmp T32:0}, mov byte [TSS2 + 100], 1
  FAULT "new task: TF", {jmp T32:0}, mov dword [TSS2 + 36], 0x102
  FAULT "new task: reserved flags", {jmp T32:0}, mov dword [TSS2 + 36], 0xFFC08028
  FAULT "new task: NT by hand", {jmp T32:0}, mov dword [TSS2 + 36], 0x4002
  FAULT "new task: eip beyond the limit", {jmp T32:0}, call limited_code
  ; SS faults are taken by a task, for the new task has no stack.
%macro SS_FAULT 2-3+ nop      ; text, vector, setup
  T %1
  NEW_TSS32 landing
  GATE IDT + %2 * 8, T16, 0, 0x85, 0
  NEW_TSS16 .caught%2
  %3
  PATTERN
  AT jmp T32:0
  E_MORE
  STATE
  SHOW "  error=", [r_bx]
  SHOW " saved eip - landing=", [TSS2 + 32], 8
  NL
%endmacro
  jmp .ss_faults
.caught10:
.caught11:
.caught12:
.caught13:
  movzx esp, sp
  movzx ebx, word [esp]
  int 0x30
.ss_faults:
  SS_FAULT "new task: ss null", 10, mov dword [TSS2 + 80], 0
  SS_FAULT "new task: ss of dpl 3", 10, mov dword [TSS2 + 80], DATA3 & ~3
  SS_FAULT "new task: ss not present", 12, call absent_ss
  FINISH

landing:
  int 0x30
; A 16-bit TSS leaves the upper halves undefined: QEMU keeps them, Bochs sets them.
landing16:
  call zero_extend
  int 0x30
back16:
  call zero_extend
  mov eax, 0x99999999
  o16 iret
zero_extend:
  movzx esp, sp
  movzx eax, ax
  movzx ecx, cx
  movzx edx, dx
  movzx ebx, bx
  movzx ebp, bp
  movzx esi, si
  movzx edi, di
  ret
back:
  mov eax, 0x99999999
  iretd

int_gate_busy:
  GATE IDT + 0x2E * 8, T32, 0, 0xE5, 0
  mov byte [GDT + T32 + 5], 0x8B
  ret
nested_available:
  mov dword [TSS], T32
nested:
  push dword 0x4002
  popfd
  ret
nested_null:
  mov dword [TSS], 0
  jmp nested
nested_code:
  mov dword [TSS], CODE0
  jmp nested
nested_ldt:
  mov dword [TSS], T32 | 4
  jmp nested
nested_absent:
  mov byte [GDT + T32 + 5], 0x0B
  mov dword [TSS], T32
  jmp nested
nested_good:
  mov byte [GDT + T32 + 5], 0x8B
  mov dword [TSS], T32
  jmp nested
absent_code:
  DESC SLOT + 24, 0, 0xFFFFF, 0x1B, 0xC
  mov dword [TSS2 + 76], SLOT + 24
  ret
limited_code:
  DESC SLOT + 24, 0, 0xFFF, 0x9B, 4
  mov dword [TSS2 + 76], SLOT + 24
  mov dword [TSS2 + 32], 0x1000
  ret
absent_gs:
  DESC SLOT + 24, 0, 0xFFFFF, 0x13, 0xC
  mov dword [TSS2 + 92], SLOT + 24
  ret
absent_ss:
  DESC SLOT + 24, 0, 0xFFFFF, 0x13, 0xC
  mov dword [TSS2 + 80], SLOT + 24
  ret
absent_ldt:
  DESC SLOT + 24, LDT, 0xFF, 0x02, 0
  mov dword [TSS2 + 96], SLOT + 24
  ret
