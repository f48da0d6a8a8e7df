; SPDX-License-Identifier: MIT
; Double faults by the pair of exceptions, priorities of exceptions in one instruction, the faults of
; delivery, and string and divide faults without paging (SDM 3A "Double Fault Exception", "Priority
; Among Concurrent Events").
%include "lib.inc"
section .text
bits 32

; First exception %2 with its gate spoiled so that delivery faults: not present (#NP), bad type (#GP).
%macro PAIR 4+                ; text, vector, access byte of its gate, instruction
  T %1
  mov byte [IDT + %2 * 8 + 5], %3
  AT %4
  E
%endmacro
%macro ORDER 2+
  T %1
  AT %2
  E
%endmacro
divide_error:
  xor ebx, ebx
  div ebx
  ret
bound_error:
  mov dword [PAGES], 1
  mov dword [PAGES + 4], 2
  xor eax, eax
  bound eax, [PAGES]
  ret

main:
  PAIR "ud then np: serial", 6, 0x0E, ud2
  PAIR "ud then gp: serial", 6, 0x80, ud2
  PAIR "de then np: double", 0, 0x0E, call divide_error
  PAIR "de then gp: double", 0, 0x80, call divide_error
  PAIR "gp then np: double", 13, 0x0E, mov ds, [bad_selector]
  PAIR "gp then gp: double", 13, 0x80, mov ds, [bad_selector]
  PAIR "br then np: serial", 5, 0x0E, call bound_error
  PAIR "int3 then np: serial", 3, 0x6E, int3
  PAIR "nm then np: serial", 7, 0x0E, call no_device
  clts
  T "np then np: double, present bit clear"
  DESC SLOT, 0, 0xFFFF, 0x13, 0
  mov byte [IDT + 11 * 8 + 5], 0x0E
  mov ebx, SLOT
  AT mov ds, ebx
  E
  T "np then gp: double"
  DESC SLOT, 0, 0xFFFF, 0x13, 0
  mov byte [IDT + 11 * 8 + 5], 0x80
  mov ebx, SLOT
  AT mov ds, ebx
  E
  T "gp through a gate to a data segment: double"
  mov word [IDT + 13 * 8 + 2], DATA0
  AT mov ds, [bad_selector]
  E
  T "gp beyond the idt: double"
  lidt [.short_idtr]
  AT mov ds, [bad_selector]
  E
  T "double fault at cpl 3 with a bad ss1 on the way"
  mov word [IDT + 13 * 8 + 2], CODE1
  mov dword [TSS + 16], 0
  TO3
  AT hlt
  E
  T "ts of delivery when the first is a ud"
  mov word [IDT + 6 * 8 + 2], CODE1
  mov dword [TSS + 16], 0
  TO3
  AT ud2
  E
  T "ss of delivery to a full stack, first a ud"
  mov word [IDT + 6 * 8 + 2], CODE1
  DESC DATA1, STACK1, 0xFFF, 0xB3, 4
  mov dword [TSS + 12], 0x8
  TO3
  AT ud2
  E

  ; Divide.
  T "div by zero"
  xor ebx, ebx
  AT div ebx
  E
  T "div overflow"
  mov edx, 5
  mov ebx, 5
  AT div ebx
  E_MORE
  SHOW " edx=", [r_dx]
  NL
  T "idiv of the smallest by -1"
  mov eax, 0x80000000
  cdq
  mov ebx, -1
  AT idiv ebx
  E
  T "idiv byte, -128 by 1"
  mov ax, -128
  mov bl, 1
  AT idiv bl
  E_MORE
  SHOW " ax=", [r_ax], 4
  NL
  T "idiv byte overflow"
  mov ax, 0x4000
  mov bl, 2
  AT idiv bl
  E
  T "aam 0"
  AT aam 0
  E

  ; Priorities.
  ORDER "lock prefix before privilege", {db 0xF0}, mov cr0, eax
  T "privilege before the selector check"
  mov eax, 0xFFFF
  TO3
  AT ltr ax
  E
  T "privilege before the memory operand"
  TO3
  AT lgdt [dword 0xFFFFFFFF]
  E
  T "nm before the memory operand"
  mov eax, cr0
  or eax, 8
  mov cr0, eax
  xor ebx, ebx
  mov ds, bx
  AT fld dword [PAGES]
  E
  T "gp of the selector before np"
  DESC SLOT, 0, 0xFFFF, 0x72, 0
  mov ebx, SLOT | 3
  TO3
  AT mov ss, ebx
  E
  T "TF trap before the fault of the next instruction"
  pushfd
  or dword [esp], 0x100
  popfd
  AT nop
  ud2
  E
  T "iopl before the port"
  TO3
  mov edx, 0x1F0
  mov word [TSS + 102], 0xFFFF
  AT in al, dx
  E
  T "enter: the frame is probed"
  TO3
  mov esp, STACK3
  AT enter 0xFFFF, 31
  E
  T "xlat and scas with null es"
  xor ebx, ebx
  mov es, bx
  mov edi, PAGES
  AT scasb
  E_MORE
  SHOW " edi=", [r_di]
  NL
  T "movs with null es"
  xor ebx, ebx
  mov es, bx
  mov esi, PAGES
  mov edi, PAGES
  mov ecx, 4
  AT rep movsd
  E_MORE
  SHOW " ecx=", [r_cx]
  SHOW " esi=", [r_si]
  NL
  T "rep movs with null es and nothing to move"
  xor ebx, ebx
  mov es, bx
  xor ecx, ecx
  AT rep movsd
  E
  T "ins checks es before the port"
  xor ebx, ebx
  mov es, bx
  mov edx, 0x80
  mov edi, PAGES
  AT insb
  E
  FINISH
.short_idtr: dw 13 * 8 - 1
  dd IDT
no_device:
  mov eax, cr0
  or eax, 8
  mov cr0, eax
  fld1
  ret
section .data
bad_selector: dw 0x1000
