; SPDX-License-Identifier: MIT
; Segment limits, write rights, expand-down segments, stack faults and code limits. QEMU TCG checks
; none of these: the lines are Bochs' and the manual's (SDM 3A "Limit Checking", "Type Checking").
%include "lib.inc"
section .text
bits 32
main:
  ; Limits.
%macro LIMIT 7+               ; text, limit, access, flags, offset, ignored, instruction using ds:ebx
  T %1
  DESC SLOT, PAGES, %2, %3, %4
  mov ax, SLOT
  mov ds, ax
  mov ebx, %5
  mov eax, 0x5A
  AT %7
  E
%endmacro
  LIMIT "byte at the limit", 0xFF, 0x93, 4, 0xFF, 0, mov al, [ebx]
  LIMIT "byte beyond the limit", 0xFF, 0x93, 4, 0x100, 0, mov al, [ebx]
  LIMIT "word over the limit", 0xFF, 0x93, 4, 0xFF, 0, mov ax, [ebx]
  LIMIT "dword over the limit", 0xFF, 0x93, 4, 0xFD, 0, mov eax, [ebx]
  LIMIT "qword at the limit", 0xFF, 0x93, 4, 0xF8, 0, fld qword [ebx]
  LIMIT "qword over the limit", 0xFF, 0x93, 4, 0xF9, 0, fild qword [ebx]
  LIMIT "dword wraps at 4 GiB", 0xFFFFF, 0x93, 0xC, 0xFFFFFFFE, 0, mov eax, [ebx]
  LIMIT "limit 0, byte 0", 0, 0x93, 4, 0, 0, mov al, [ebx]
  LIMIT "limit 0, byte 1", 0, 0x93, 4, 1, 0, mov al, [ebx]
  LIMIT "granular limit, last byte", 0, 0x93, 0xC, 0xFFF, 0, mov al, [ebx]
  LIMIT "granular limit, beyond", 0, 0x93, 0xC, 0x1000, 0, mov al, [ebx]
  LIMIT "write read-only", 0xFF, 0x91, 4, 0, 0, mov [ebx], al
  LIMIT "read read-only", 0xFF, 0x91, 4, 0, 0, mov al, [ebx]
  LIMIT "rmw read-only", 0xFF, 0x91, 4, 0, 0, add [ebx], al
  LIMIT "test read-only", 0xFF, 0x91, 4, 0, 0, test [ebx], al
  LIMIT "cmpxchg read-only", 0xFF, 0x91, 4, 0, 0, cmpxchg [ebx], cl
  LIMIT "write code", 0xFF, 0x9B, 4, 0, 0, mov [ebx], al
  LIMIT "read readable code", 0xFF, 0x9B, 4, 0, 0, mov al, [ebx]
  LIMIT "expand-down 16 at the limit", 0xFF, 0x97, 0, 0xFF, 0, mov al, [ebx]
  LIMIT "expand-down 16 above the limit", 0xFF, 0x97, 0, 0x100, 0, mov al, [ebx]
  LIMIT "expand-down 16 at 64K", 0xFF, 0x97, 0, 0xFFFF, 0, mov al, [ebx]
  LIMIT "expand-down 16 over 64K", 0xFF, 0x97, 0, 0xFFFF, 0, mov ax, [ebx]
  LIMIT "expand-down 16 beyond 64K", 0xFF, 0x97, 0, 0x10000, 0, mov al, [ebx]
  LIMIT "expand-down 32 at 64K", 0xFF, 0x97, 4, 0x10000, 0, mov al, [ebx]
  LIMIT "expand-down 32 below", 0xFF, 0x97, 4, 0x80, 0, mov al, [ebx]
  LIMIT "expand-down 32 at 4 GiB", 0xFF, 0x97, 4, 0xFFFFFFFE, 0, mov eax, [ebx]
  LIMIT "expand-down granular below", 1, 0x97, 0xC, 0x1FFF, 0, mov al, [ebx]
  LIMIT "expand-down granular above", 1, 0x97, 0xC, 0x2000, 0, mov al, [ebx]
  LIMIT "expand-down write", 0xFF, 0x97, 4, 0x80, 0, mov [ebx], al
  LIMIT "expand-down read-only write", 0xFF, 0x95, 4, 0x180, 0, mov [ebx], al
  LIMIT "bound beyond the limit", 0xFF, 0x93, 4, 0xFC, 0, bound eax, [ebx]
  LIMIT "lea checks nothing", 0xFF, 0x93, 4, 0x1000, 0, lea eax, [ebx]

  LIMIT "sgdt over the limit", 0xFF, 0x93, 4, 0xFB, 0, sgdt [ebx]
  LIMIT "lgdt over the limit", 0xFF, 0x93, 4, 0xFB, 0, lgdt [ebx]
  LIMIT "fxsave over the limit", 0xFF, 0x93, 4, 0x80, 0, fxsave [ebx]
  LIMIT "fxsave misaligned", 0xFFFF, 0x93, 4, 0x84, 0, fxsave [ebx]
  LIMIT "movaps misaligned and over the limit", 0xFF, 0x93, 4, 0xF8, 0, movaps xmm0, [ebx]
  LIMIT "invlpg beyond the limit", 0xFF, 0x93, 4, 0x100, 0, invlpg [ebx]
  LIMIT "clflush beyond the limit", 0xFF, 0x93, 4, 0x100, 0, clflush [ebx]
  LIMIT "nop beyond the limit", 0xFF, 0x93, 4, 0x100, 0, nop dword [ebx]
  LIMIT "prefetch beyond the limit", 0xFF, 0x93, 4, 0x100, 0, prefetcht0 [ebx]
  T "code readable? execute-only code"
  DESC SLOT, 0, 0xFFFFF, 0x99, 0xC
  jmp SLOT:.execute_only
.execute_only:
  AT mov al, [cs:PAGES]
  E
  T "write through cs"
  AT mov [cs:PAGES], al
  E

  ; Stack segments.
%macro STACK_CASE 6+          ; text, limit, flags, esp, access, instruction
  T %1
  DESC SLOT, PAGES, %2, %5, %3
  mov ax, SLOT
  mov ss, ax
  mov esp, %4
  AT %6
  mov ecx, esp
  mov ebx, DATA0
  mov ss, bx
  mov esp, STACK
  E_MORE
  SHOW " esp=", [r_cx]
  NL
%endmacro
%macro STACK_FAULT 6+         ; text, limit, flags, esp, access, instruction; handler on a task's own stack
  T %1
  DESC SLOT, PAGES, %2, %5, %3
  or byte [GDT + SLOT + 5], 0x60
  push dword SLOT | 3
  push dword %4
  push dword 2
  push dword CODE3
  push dword %%at
  mov ebp, DATA3
  mov ds, bp
  mov ebp, 0x10
  iretd
%%at:
  AT %6
  E
%endmacro
  STACK_CASE "16-bit stack wraps", 0xFFFF, 0, 0xABCD0000, 0x93, push eax
  STACK_CASE "16-bit stack keeps the high half", 0xFFFF, 0, 0x12340004, 0x93, pop eax
  STACK_CASE "16-bit stack, enter", 0xFFFF, 0, 0x12340100, 0x93, enter 0x20, 2
  STACK_FAULT "push below the limit", 0xFF, 4, 0x102, 0x93, push eax
  STACK_FAULT "push at zero", 0xFF, 4, 0, 0x93, push eax
  STACK_FAULT "pop over the limit", 0xFF, 4, 0xFD, 0x93, pop eax
  STACK_FAULT "pop memory", 0xFF, 4, 0xFC, 0x93, pop dword [cs:PAGES]
  STACK_FAULT "ebp access over the limit", 0xFF, 4, 0xFC, 0x93, mov eax, [ebp + 0xF0]
  STACK_FAULT "esp access over the limit", 0xFF, 4, 0xFC, 0x93, mov eax, [esp + 4]
  STACK_FAULT "pushad half way", 0xFF, 4, 0x10, 0x93, pushad
  STACK_FAULT "popad half way", 0xFF, 4, 0xF0, 0x93, popad
  STACK_FAULT "enter beyond", 0xFF, 4, 0x10, 0x93, enter 0x100, 0
  STACK_FAULT "enter level 2", 0xFF, 4, 0x8, 0x93, enter 4, 2
  STACK_FAULT "leave", 0xFF, 4, 0x8, 0x93, leave
  STACK_FAULT "call on a full stack", 0xFF, 4, 0, 0x93, call near PAGES
  STACK_FAULT "ret over the limit", 0xFF, 4, 0xFE, 0x93, ret
  STACK_FAULT "retf over the limit", 0xFF, 4, 0xFA, 0x93, retf
  STACK_FAULT "iret over the limit", 0xFF, 4, 0xF6, 0x93, iretd
  STACK_FAULT "expand-down stack", 0xFF, 4, 0x102, 0x97, push eax
  STACK_FAULT "expand-down stack holds", 0xFF, 4, 0x200, 0x97, push eax
  STACK_FAULT "push ds", 0xFF, 4, 0x2, 0x93, push ds
  STACK_FAULT "pushfd", 0xFF, 4, 0x2, 0x93, pushfd

  ; Code limits.
  T "jump beyond the code limit"
  DESC SLOT, 0, 0xFFFF, 0x9B, 4
  jmp SLOT:.limited
.limited:
  AT jmp near 0x10000
  E
  T "call beyond the code limit"
  DESC SLOT, 0, 0xFFFF, 0x9B, 4
  jmp SLOT:.limited2
.limited2:
  mov ebx, 0x20000
  AT call ebx
  E
  T "far jump beyond the code limit"
  DESC SLOT, 0, 0xFFFF, 0x9B, 4
  AT jmp SLOT:0x20000
  E
  T "ret beyond the code limit"
  DESC SLOT, 0, 0xFFFF, 0x9B, 4
  jmp SLOT:.limited3
.limited3:
  push dword 0x12345
  AT ret
  E
  T "fetch runs over the code limit"
  DESC SLOT, PAGES, 0x0F, 0x9B, 4
  mov dword [PAGES + 0x0C], 0xB8909090
  mov dword [t_base], 0x0F
  AT jmp SLOT:0x0F
  E
  FINISH
