; SPDX-License-Identifier: MIT
; Long mode: transitions and their rules, far transfers between 64-bit and compatibility mode, gates,
; IST, IRETQ, canonical checks, segment bases, SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS, instructions
; that are invalid in 64-bit mode (SDM 3A "Initializing IA-32e Mode", "64-Bit Mode", 2B SYSCALL).
%include "lib.inc"
section .text
%include "lib64.inc"
bits 32

NONCANON equ 0x800000000000
%macro UD64 2+                ; bytes that are #UD in 64-bit mode
  T %1
  AT db %2
  E
%endmacro
%macro PTR64 2                ; offset, selector at far_ptr
  mov qword [far_ptr], %1
  mov dword [far_ptr + 8], %2
%endmacro

main:
  ENTER_LONG_MODE
  ; Invalid in 64-bit mode.
  UD64 "push cs", 0x0E
  UD64 "pop ds", 0x1F
  UD64 "daa", 0x27
  UD64 "aaa", 0x37
  UD64 "pushad", 0x60
  UD64 "popad", 0x61
  UD64 "bound", 0x62, 0x00
  UD64 "82h group", 0x82, 0xC0, 0
  UD64 "far call immediate", 0x9A, 0, 0, 0, 0, 8, 0
  UD64 "les", 0xC4, 0x00
  UD64 "lds", 0xC5, 0x00
  UD64 "into", 0xCE
  UD64 "aam", 0xD4, 10
  UD64 "salc", 0xD6
  UD64 "far jump immediate", 0xEA, 0, 0, 0, 0, 8, 0
  UD64 "sysexit to nowhere", 0x0F, 0x35

  ; Canonical addresses.
%macro CANON 2+
  T %1
  mov rbx, NONCANON
  mov rbp, rbx
  AT %2
  E
%endmacro
  CANON "read, not canonical", mov al, [rbx]
  CANON "write, not canonical", mov [rbx], al
  CANON "read by rbp is ss", mov al, [rbp]
  CANON "read by rbp with ds prefix", {db 0x3E}, mov al, [rbp]
  CANON "read over the edge", mov rax, [rbx - 4]
  CANON "lea", lea rax, [rbx]
  CANON "jmp", jmp rbx
  CANON "call", call rbx
  CANON "invlpg", invlpg [rbx]
  CANON "prefetch", prefetcht0 [rbx]
  CANON "clflush", clflush [rbx]
  T "ret, not canonical"
  mov rbx, NONCANON
  push rbx
  AT ret
  E
  T "push, not canonical stack"
  TO3_64
  mov rsp, NONCANON
  AT push rax
  E
  T "pop, not canonical stack"
  TO3_64
  mov rsp, NONCANON
  AT pop rax
  E
  T "iretq, rip not canonical"
  push DATA3
  push STACK3
  push 2
  push CODE64U
  mov rbx, NONCANON
  push rbx
  AT iretq
  E
  T "iretq, rsp not canonical"
  push DATA3
  mov rbx, NONCANON
  push rbx
  push 2
  push CODE64U
  push %$landing
  AT iretq
%$landing:
  mov esp, STACK3
  E
  T "sysret, rip not canonical"
  mov rcx, NONCANON
  mov r11d, 2
  AT o64 sysret
  E
  T "wrfsbase, not canonical"
  mov rax, cr4
  or eax, 0x10000
  mov cr4, rax
  mov rbx, NONCANON
  AT wrfsbase rbx
  E
  T "fs base over 4 GiB"
  mov rbx, -0x1000
  wrfsbase rbx
  AT mov al, [fs:PAGES + 0x1000]
  E
  T "fs base, address wraps in 32 bits with a prefix"
  mov ebx, 0x100
  wrfsbase rbx
  mov ebx, 0xFFFFFFFF
  AT mov al, [fs:ebx]
  E
  T "wrfsbase without FSGSBASE"
  mov rax, cr4
  and eax, ~0x10000
  mov cr4, rax
  AT wrfsbase rbx
  E
  T "load fs of a null selector clears the base"
  mov ecx, 0xC0000100
  mov eax, PAGES
  xor edx, edx
  wrmsr
  xor ebx, ebx
  AT mov fs, ebx
  rdmsr
  E_MORE
  SHOW " ", [r_ax]
  NL
  T "ds base and limit are ignored"
  DESC SLOT, 0x1000, 0x0F, 0x93, 4
  mov ebx, SLOT
  mov ds, ebx
  mov dword [PAGES], 0x12345678
  AT mov eax, [PAGES]
  E_MORE
  SHOW " ", [r_ax]
  NL
  T "null ds is usable, null ss at cpl 0 too"
  xor ebx, ebx
  mov ds, ebx
  AT mov ss, ebx
  mov al, [PAGES]
  E
  T "null ss with rpl 3 at cpl 3"
  TO3_64
  mov ebx, 3
  AT mov ss, ebx
  E
  T "write through cs"
  AT mov [cs:PAGES], al
  E

  ; Far transfers.
  T "jmp far to compatibility mode and back"
  PTR64 .compat, CODE0
  AT jmp far qword [far_ptr]
bits 32
.compat:
  mov ebx, cs
  mov ecx, 0x12345678
  mov esi, PAGES
  inc ecx
  jmp CODE64:.back64
bits 64
.back64:
  E_MORE
  SHOW " cs=", [r_bx], 4
  SHOW " ecx=", [r_cx]
  NL
  T "exception in compatibility mode comes in 64-bit mode"
  PTR64 %$at, CODE0
  jmp far qword [far_ptr]
bits 32
  AT ud2
  E32
  T "cpl 3 compatibility mode"
  TO3_32
  AT nop
  E32
  T "cpl 3 compatibility mode: hlt"
  TO3_32
  AT hlt
  E32
  T "cpl 3 compatibility mode: limit"
  mov dword [abs GDT + (DATA3 & ~7)], 0x0000FFFF
  mov dword [abs GDT + (DATA3 & ~7) + 4], 0x0040F300
  TO3_32
  AT mov eax, [dword 0x10000]
  E32
  T "cpl 3 compatibility mode: null ds"
  TO3_32
  xor ebx, ebx
  mov ds, ebx
  AT mov eax, [dword PAGES]
  E32
  T "cpl 3 compatibility mode: call gate"
  mov dword [abs GDT + SLOT], CODE64 << 16
  mov dword [abs GDT + SLOT + 4], 0x0000EC00
  mov word [abs GDT + SLOT], .gate64
  mov qword [abs GDT + SLOT + 8], 0
  TO3_32
  AT call SLOT | 3:0
bits 64
.gate64:
  mov rbx, [rsp]
  mov rcx, [rsp + 8]
  mov rdx, [rsp + 16]
  mov rsi, [rsp + 24]
  E_MORE
  SHOW " cs=", [r_cx], 4
  SHOW " rsp=", [r_dx]
  SHOW " ss=", [r_si], 4
  NL
  T "jmp to D and L both set"
  DESC SLOT, 0, 0xFFFFF, 0x9B, 0xE
  PTR64 landing, SLOT
  AT jmp far qword [far_ptr]
  E
  T "jmp to a tss"
  DESC SLOT, TSS2, 0x67, 0x89, 0
  mov qword [GDT + SLOT + 8], 0
  PTR64 0, SLOT
  AT jmp far qword [far_ptr]
  E
  T "jmp to a task gate"
  DESC SLOT, TSSSEL, 0, 0x85, 0
  PTR64 0, SLOT
  AT jmp far qword [far_ptr]
  E
  T "jmp to a 16-bit call gate"
  DESC SLOT, 0, 0, 0x84, 0
  PTR64 0, SLOT
  AT jmp far qword [far_ptr]
  E
  T "call gate to compatibility code"
  mov qword [GDT + SLOT + 8], 0
  mov dword [GDT + SLOT], (CODE0 << 16)
  mov dword [GDT + SLOT + 4], 0x00008C00
  PTR64 0, SLOT
  AT call far qword [far_ptr]
  E
  T "call gate with a type in its upper half"
  mov dword [GDT + SLOT], (CODE64 << 16)
  mov dword [GDT + SLOT + 4], 0x00008C00
  mov dword [GDT + SLOT + 8], 0
  mov dword [GDT + SLOT + 12], 0x0800
  PTR64 0, SLOT
  AT call far qword [far_ptr]
  E
  T "call gate with an offset that is not canonical"
  mov dword [GDT + SLOT], (CODE64 << 16)
  mov dword [GDT + SLOT + 4], 0x00008C00
  mov dword [GDT + SLOT + 8], 0x8000
  mov dword [GDT + SLOT + 12], 0
  PTR64 0, SLOT
  AT call far qword [far_ptr]
  E
  T "retf to cpl 3, 64-bit"
  push DATA3
  push STACK3
  push CODE64U
  push landing
  mov qword [t_base], landing
  AT o64 retf
  E
  T "retf to cpl 3 with a null ss"
  push 3
  push STACK3
  push CODE64U
  push landing
  mov qword [t_base], landing
  AT o64 retf
  E
  T "iretq to cpl 3 compatibility mode with a null ss"
  push 3
  push STACK3
  push 2
  push CODE3
  push landing
  AT iretq
  E
  T "iretq with NT"
  push DATA0
  push STACK
  push 2
  push CODE64
  push landing
  push 0x4002
  popfq
  AT iretq
  E
  T "iretq to the same level loads rsp"
  mov rbx, rsp
  push DATA0
  push STACK - 0x100
  push 2
  push CODE64
  push .same
  AT iretq
.same:
  mov rcx, rsp
  E_MORE
  SHOW " rsp=", [r_cx]
  NL
  T "iretq: VM is ignored"
  push DATA3
  push STACK3
  push 0x20002
  push CODE64U
  push landing
  mov qword [t_base], landing
  AT iretq
  E
  T "iretd in 64-bit mode"
  sub rsp, 20
  mov dword [rsp], landing
  mov dword [rsp + 4], CODE64U
  mov dword [rsp + 8], 2
  mov dword [rsp + 12], STACK3
  mov dword [rsp + 16], DATA3
  mov qword [t_base], landing
  AT iretd
  E

  ; Gates of the IDT.
%macro IDT_CASE 2+
  T %1
  %2
  AT int 0x2E
  E_MORE
  SHOW " handler rsp=", [r_handler_sp]
  NL
%endmacro
  IDT_CASE "idt: stack is aligned to 16", push rax
  IDT_CASE "idt: IST 1", call ist1
  IDT_CASE "idt: IST 7", call ist7
  IDT_CASE "idt: IST not canonical", call ist_bad
  IDT_CASE "idt: task gate", mov byte [IDT + 0x2E * 16 + 5], 0x85
  IDT_CASE "idt: 16-bit gate", mov byte [IDT + 0x2E * 16 + 5], 0x86
  IDT_CASE "idt: type in the upper half is ignored", mov dword [IDT + 0x2E * 16 + 12], 0xFFFFFFFF
  IDT_CASE "idt: to compatibility code", mov word [IDT + 0x2E * 16 + 2], CODE0
  IDT_CASE "idt: to data", mov word [IDT + 0x2E * 16 + 2], DATA0
  IDT_CASE "idt: null selector", mov word [IDT + 0x2E * 16 + 2], 0
  IDT_CASE "idt: not present", mov byte [IDT + 0x2E * 16 + 5], 0x0E
  IDT_CASE "idt: offset not canonical", mov dword [IDT + 0x2E * 16 + 8], 0x8000
  T "idt: from cpl 3, rsp0 misaligned"
  mov qword [TSS + 4], STACK0 - 4
  TO3_64
  AT int 0x30
  E_MORE
  SHOW " handler rsp=", [r_handler_sp]
  NL
  T "idt: from cpl 3 to cpl 1, rsp1 not canonical"
  DESC SLOT, 0, 0xFFFFF, 0xBB, 0xA
  mov word [IDT + 0x2E * 16 + 2], SLOT | 1
  mov byte [IDT + 0x2E * 16 + 5], 0xEE
  mov rax, NONCANON + 0x1000
  mov [TSS + 12], rax
  TO3_64
  AT int 0x2E
  E
  T "idt: from cpl 3 to cpl 1, ss is null"
  DESC SLOT, 0, 0xFFFFF, 0xBB, 0xA
  mov word [IDT + 0x2E * 16 + 2], SLOT | 1
  mov word [IDT + 0x2E * 16], .cpl1
  mov byte [IDT + 0x2E * 16 + 5], 0xEE
  TO3_64
  AT int 0x2E
.cpl1:
  E
  T "int beyond the idt"
  AT int 0x80
  E
  T "double fault through an IST"
  mov byte [IDT + 14 * 16 + 5], 0x0E
  mov byte [IDT + 8 * 16 + 4], 1
  mov qword [TSS + 36], STACK2
  mov rbx, 0x40000000
  AT mov al, [rbx]
  E_MORE
  SHOW " handler rsp=", [r_handler_sp]
  NL
  T "ltr of 16 bytes with a type above"
  DESC SLOT, TSS, 0x67, 0x89, 0
  mov dword [GDT + SLOT + 8], 0
  mov dword [GDT + SLOT + 12], 0x100
  mov eax, SLOT
  AT ltr ax
  E
  T "ltr over the edge of the gdt"
  mov dword [GDT + 0xF8], 0
  DESC 0xF8, TSS, 0x67, 0x89, 0
  mov eax, 0xF8
  AT ltr ax
  E
  T "ltr 16-bit tss"
  DESC SLOT, TSS, 0x67, 0x81, 0
  mov qword [GDT + SLOT + 8], 0
  mov eax, SLOT
  AT ltr ax
  E

  ; SYSCALL and friends.
  mov ecx, 0xC0000081
  xor eax, eax
  mov edx, 0x00430048         ; SYSRET: CS 53 SS 4B; SYSCALL: CS 48, SS 50
  wrmsr
  mov ecx, 0xC0000082
  mov eax, syscall_landing
  xor edx, edx
  wrmsr
  mov ecx, 0xC0000083
  mov eax, syscall_landing
  wrmsr
  mov ecx, 0xC0000084
  mov eax, 0x4700
  wrmsr
%macro STATE64 0
  SHOW " rcx=", [r_cx]
  SHOW " r11=", [r_dx]
  SHOW " ss=", [r_bx], 4
  NL
%endmacro
  T "syscall from cpl 3, 64-bit"
  TO3_64 0x3646
  mov qword [abs t_base], %$at
  AT syscall
  E_MORE
  STATE64
  T "syscall from cpl 0"
  push 0x3003
  popfq
  AT syscall
  E_MORE
  STATE64
  T "sysret to 64-bit mode"
  mov rcx, landing
  mov qword [t_base], landing
  mov r11d, 0x3F7FD7
  and r11d, ~0x10100
  AT o64 sysret
  E_MORE
  NL
  T "sysret to compatibility mode"
  mov rcx, landing
  mov qword [t_base], landing
  mov r11d, 2
  AT sysret
  E_MORE
  NL
  T "sysret at cpl 3"
  TO3_64
  AT o64 sysret
  E
  T "syscall without SCE"
  mov ecx, 0xC0000080
  xor edx, edx
  mov eax, 0x900
  wrmsr
  AT syscall
  E
  T "sysret without SCE"
  AT o64 sysret
  E
  mov ecx, 0xC0000080
  xor edx, edx
  mov eax, 0xD01
  wrmsr
  mov ecx, 0x174
  mov eax, CODE64
  xor edx, edx
  wrmsr
  mov ecx, 0x175
  mov eax, STACK0 - 0x80
  wrmsr
  mov ecx, 0x176
  mov eax, sysenter_landing
  wrmsr
  T "sysenter from cpl 3"
  TO3_64 0x3246
  AT sysenter
  E_MORE
  STATE64
  T "sysenter from cpl 0"
  AT sysenter
  E_MORE
  STATE64
  T "sysexit to compatibility mode"
  DESC CODE64 + 0x10, 0, 0xFFFFF, 0xFB, 0xC
  mov edx, landing
  mov ecx, STACK3
  mov qword [t_base], landing
  AT sysexit
  E
  T "sysexit to 64-bit mode"
  mov edx, landing
  mov ecx, STACK3
  mov qword [t_base], landing
  AT o64 sysexit
  E
  T "sysexit, rip not canonical"
  mov rdx, NONCANON
  mov ecx, STACK3
  AT o64 sysexit
  E
  T "sysexit without cs"
  mov ecx, 0x174
  xor eax, eax
  xor edx, edx
  wrmsr
  AT o64 sysexit
  E
  T "sysenter without cs"
  AT sysenter
  E
  T "swapgs"
  mov ecx, 0xC0000101
  mov eax, 0x1111
  xor edx, edx
  wrmsr
  mov ecx, 0xC0000102
  mov eax, 0x2222
  wrmsr
  AT swapgs
  mov ecx, 0xC0000101
  rdmsr
  E_MORE
  SHOW " gs=", [r_ax]
  NL
  T "swapgs at cpl 3"
  TO3_64
  AT swapgs
  E
  T "cmpxchg16b misaligned"
  AT cmpxchg16b [PAGES + 8]
  E
  T "popfq at cpl 3"
  TO3_64 2
  push 0x3F7ED7
  AT popfq
  pushfq
  pop rbx
  push 2
  popfq
  E_MORE
  and dword [r_bx], CONTROL_FLAGS
  SHOW " now=", [r_bx]
  NL
  T "mov ss, then a fault: one exception"
  mov ebx, DATA0
  AT mov ss, ebx
  ud2
  E

  ; QEMU TCG 7.2 is lost after these: last but one.
  CANON "lgdt", lgdt [rbx]
  T "lgdt of a base that is not canonical"
  mov word [PAGES], 0xFF
  mov rax, NONCANON
  mov [PAGES + 2], rax
  AT lgdt [PAGES]
  E
  ; Back to protected mode.
  RESET
  PTR64 .leave, CODE0
  jmp far qword [far_ptr]
bits 32
.leave:
  %define S 32
  mov ax, DATA0
  mov ss, ax
  mov eax, cr0
  and eax, 0x7FFFFFFF
  mov cr0, eax
  T "left long mode"
  mov ecx, 0xC0000080
  AT rdmsr
  E_MORE
  SHOW " efer=", [r_ax]
  NL
  FINISH

bits 64
landing:
  int 0x30
syscall_landing:
  mov rdx, r11
  mov ebx, ss
  sub ecx, [abs t_base]
  int 0x30
sysenter_landing:
  mov rdx, rsp
  mov ebx, ss
  int 0x30
ist1:
  mov qword [TSS + 36], STACK2 - 8
  mov byte [IDT + 0x2E * 16 + 4], 1
  ret
ist7:
  mov qword [TSS + 84], STACK2 - 0x48
  mov byte [IDT + 0x2E * 16 + 4], 7
  ret
ist_bad:
  mov rax, NONCANON + 0x1000
  mov [TSS + 36], rax
  mov byte [IDT + 0x2E * 16 + 4], 1
  ret
section .data
align 8
far_ptr: dq 0, 0
