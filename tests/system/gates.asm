; SPDX-License-Identifier: MIT
; Far JMP, CALL, RETF, IRET and INT in protected mode: rights matrices of direct transfers, call gates
; and interrupt gates, stack switches and their faults (SDM 3A "Protection", "Interrupt and Exception
; Handling").
%include "lib.inc"
section .text
bits 32

%macro RESULT_CS 0
  RESULT
  cmp byte [r_vec], 0x30
  jne %%fault
  mov al, '/'
  call putc32
  mov eax, [r_cs]
  mov cl, 4
  call puthex32
%%fault:
%endmacro

; Access bytes of code segments (and one data, one busy LDT) x RPL, from CPL %2 with transfer %3.
%macro FAR_MATRIX 3           ; text, CPL, transfer macro
  mov dword [v_i], 0
%%access:
  SAY %1
  mov eax, [v_i]
  mov al, [codes + eax]
  mov cl, 2
  call puthex32
  mov dword [v_j], 0
%%rpl:
  TRY
  mov eax, [v_i]
  mov bl, [codes + eax]
  DESC SLOT, 0, 0xFFFFF, 0, 0xC
  mov [GDT + SLOT + 5], bl
  mov eax, SLOT
  or eax, [v_j]
  mov [far_ptr + 4], eax
  mov dword [far_ptr], landing
 %if %2 == 3
  TO3
 %endif
  AT
  %3
  TRIED
  RESULT_CS
  add dword [v_j], 1
  cmp dword [v_j], 4
  jb %%rpl
  NL
  add dword [v_i], 1
  cmp dword [v_i], codes_end - codes
  jb %%access
%endmacro
%macro DO_JMP 0
  jmp far [far_ptr]
%endmacro
%macro DO_CALL 0
  call far [far_ptr]
%endmacro
%macro DO_RETF 0
  push dword DATA3
  push dword STACK3
  push dword [far_ptr + 4]
  push dword [far_ptr]
  retf
%endmacro
%macro DO_IRET 0
  push dword DATA3
  push dword STACK3
  push dword 2
  push dword [far_ptr + 4]
  push dword [far_ptr]
  iretd
%endmacro

; Return to CPL 3 with every kind of stack segment.
%macro STACK_MATRIX 2         ; text, transfer that finds the frame pushed: with (1) or without flags
  mov dword [v_i], 0
%%access:
  SAY %1
  mov eax, [v_i]
  mov cl, 2
  call puthex32
  mov dword [v_j], 0
%%rpl:
  TRY
  DESC SLOT, 0, 0xFFFFF, 0, 0xC
  mov al, [v_i]
  mov [GDT + SLOT + 5], al
  mov eax, SLOT
  or eax, [v_j]
  push eax
  push dword STACK3
 %if %2
  push dword 2
 %endif
  push dword CODE3
  push dword landing
  AT
 %if %2
  iretd
 %else
  retf
 %endif
  TRIED
  RESULT_CS
  add dword [v_j], 1
  cmp dword [v_j], 4
  jb %%rpl
  NL
  add dword [v_i], 1
  test dword [v_i], 0x0F
  jnz %%more
  add dword [v_i], 0x10
%%more:
  cmp dword [v_i], 0x100
  jb %%access
%endmacro

; Call gates: gate DPL x RPL x target access.
%macro GATE_MATRIX 3          ; text, CPL, transfer
  mov dword [v_i], 0
%%access:
  mov dword [v_k], 0x0C
%%gate:
  SAY %1
  mov eax, [v_k]
  mov cl, 2
  call puthex32
  SAY " to "
  mov eax, [v_i]
  mov al, [codes + eax]
  mov cl, 2
  call puthex32
  mov dword [v_j], 0
%%rpl:
  TRY
  mov eax, [v_i]
  mov bl, [codes + eax]
  DESC SLOT, 0, 0xFFFFF, 0, 0xC
  mov [GDT + SLOT + 5], bl
  GATE GDT + SLOT + 8, SLOT | 3, landing, 0, 0
  mov al, [v_k]
  mov [GDT + SLOT + 8 + 5], al
  mov eax, SLOT + 8
  or eax, [v_j]
  mov [far_ptr + 4], eax
  mov dword [far_ptr], 0x12345678
 %if %2 == 3
  TO3
 %endif
  AT
  %3
  TRIED
  RESULT_CS
  add dword [v_j], 1
  cmp dword [v_j], 4
  jb %%rpl
  NL
  add dword [v_k], 0x20
  cmp dword [v_k], 0x8C
  je %%gate
  cmp dword [v_k], 0xFF
  ja %%last
  test dword [v_k], 0x80
  jnz %%gate
  mov dword [v_k], 0x8C
  jmp %%gate
%%last:
  add dword [v_i], 1
  cmp dword [v_i], codes_end - codes
  jb %%access
%endmacro

; Interrupt gates of all types by INT from CPL %2.
%macro INT_MATRIX 2
  mov dword [v_i], 0
%%access:
  mov eax, [v_i]
  and eax, 0x0F
  cmp eax, 6                  ; 16-bit gates: below
  je %%skip
  cmp eax, 7
  je %%skip
  SAY %1
  mov eax, [v_i]
  mov cl, 2
  call puthex32
  mov dword [v_j], 0
%%target:
  TRY
  mov eax, [v_j]
  mov bl, [codes + eax]
  DESC SLOT, 0, 0xFFFFF, 0, 0xC
  mov [GDT + SLOT + 5], bl
  mov word [IDT + 0x2E * 8 + 2], SLOT | 3
  mov al, [v_i]
  mov [IDT + 0x2E * 8 + 5], al
 %if %2 == 3
  TO3
 %endif
  AT int 0x2E
  TRIED
  RESULT
  add dword [v_j], 5
  cmp dword [v_j], codes_end - codes
  jb %%target
  NL
%%skip:
  add dword [v_i], 1
  test dword [v_i], 0x1F
  jnz %%more
  add dword [v_i], 0x40       ; DPL 0, 2 absent; then present
  and dword [v_i], 0x1FF
%%more:
  cmp dword [v_i], 0x100
  jb %%access
%endmacro

%macro DUMP 1                 ; %1 dwords from where the target's ebx pointed
  SAY " stack"
  mov ebp, [r_bx]
%assign n 0
%rep %1
  SHOW " ", [ebp + n * 4]
%assign n n + 1
%endrep
  NL
%endmacro

main:
  FAR_MATRIX "jmp cpl0 access ", 0, DO_JMP
  FAR_MATRIX "jmp cpl3 access ", 3, DO_JMP
  FAR_MATRIX "call cpl0 access ", 0, DO_CALL
  FAR_MATRIX "call cpl3 access ", 3, DO_CALL
  FAR_MATRIX "retf cpl0 access ", 0, DO_RETF
  FAR_MATRIX "retf cpl3 access ", 3, DO_RETF
  FAR_MATRIX "iret cpl0 access ", 0, DO_IRET
  FAR_MATRIX "iret cpl3 access ", 3, DO_IRET
  STACK_MATRIX "retf to cpl3, ss access ", 0
  STACK_MATRIX "iret to cpl3, ss access ", 1
  GATE_MATRIX "jmp gate cpl0 ", 0, DO_JMP
  GATE_MATRIX "jmp gate cpl3 ", 3, DO_JMP
  GATE_MATRIX "call gate cpl0 ", 0, DO_CALL
  GATE_MATRIX "call gate cpl3 ", 3, DO_CALL
  INT_MATRIX "int cpl0 gate ", 0
  INT_MATRIX "int cpl3 gate ", 3

  ; What lies on the stack after a call gate.
%macro GATE_CALL 5            ; text, CPL, gate access, parameters, target selector
  T %1
  GATE GDT + SLOT, %5, .common_target, %3, %4
 %if %2 == 3
  TO3
 %endif
  push dword 0x11111111
  push dword 0x22222222
  push dword 0x33333333
  mov dword [t_base], %%after
  AT call SLOT | 3:0x9999
%%after:
  E_MORE
  DUMP 7
%endmacro
  jmp .gates
.common_target:
  mov ebx, esp
  int 0x30
.gates:
  GATE_CALL "gate32 3 to 0 with 3 parameters", 3, 0xEC, 3, CODE0
  GATE_CALL "gate32 3 to 0 without parameters", 3, 0xEC, 0, CODE0
  GATE_CALL "gate32 3 to 1", 3, 0xEC, 2, CODE1
  GATE_CALL "gate32 3 to 2", 3, 0xEC, 2, CODE2
  GATE_CALL "gate32 3 to 3", 3, 0xEC, 3, CODE3
  GATE_CALL "gate32 0 to 0", 0, 0xEC, 3, CODE0
  GATE_CALL "gate16 3 to 0 with 3 parameters", 3, 0xE4, 3, CODE0
  GATE_CALL "gate16 3 to 0 without parameters", 3, 0xE4, 0, CODE0
  GATE_CALL "gate16 0 to 0", 0, 0xE4, 3, CODE0
  GATE_CALL "gate32 3 to 0 with 31 parameters", 3, 0xEC, 31, CODE0
  GATE_CALL "gate to a null selector", 3, 0xEC, 0, 3
  GATE_CALL "gate to a selector beyond the gdt", 3, 0xEC, 0, 0x200

  ; Faults of the new stack.
%macro BAD_STACK 3+           ; text, inner level's selector, setup of the TSS
  T %1
  GATE GDT + SLOT + 0x40, %2, .common_target, 0xEC, 1
  %3
  TO3
  AT call SLOT + 0x40:0
  E
%endmacro
%macro BAD_INT_STACK 2+       ; text, setup: INT from 3 to 1 through 2Eh, so that the handler's own stack stays good
  T %1
  mov word [IDT + 0x2E * 8 + 2], CODE1
  mov byte [IDT + 0x2E * 8 + 5], 0xEE
  %2
  TO3
  AT int 0x2E
  E
%endmacro
  BAD_STACK "call gate: ss1 null", CODE1, mov dword [TSS + 16], 1
  BAD_STACK "call gate: ss1 wrong rpl", CODE1, mov dword [TSS + 16], DATA1 & ~3
  BAD_STACK "call gate: ss1 wrong dpl", CODE1, mov dword [TSS + 16], DATA0 | 1
  BAD_STACK "call gate: ss1 is code", CODE1, mov dword [TSS + 16], CODE1
  BAD_STACK "call gate: ss1 beyond the gdt", CODE1, mov dword [TSS + 16], 0x1001
  BAD_STACK "call gate: ss1 not present", CODE1, mov byte [GDT + (DATA1 & ~7) + 5], 0x33
  BAD_STACK "call gate: ss1 read-only", CODE1, mov byte [GDT + (DATA1 & ~7) + 5], 0xB1
  BAD_STACK "call gate: esp1 over the limit", CODE1, call .small_data1
  BAD_STACK "call gate: esp1 room for less", CODE1, call .small_data1b
  BAD_INT_STACK "int: ss1 null", mov dword [TSS + 16], 1
  BAD_INT_STACK "int: ss1 wrong rpl", mov dword [TSS + 16], DATA1 & ~3
  BAD_INT_STACK "int: ss1 wrong dpl", mov dword [TSS + 16], DATA0 | 1
  BAD_INT_STACK "int: ss1 beyond the gdt", mov dword [TSS + 16], 0x1001
  BAD_INT_STACK "int: ss1 not present", mov byte [GDT + (DATA1 & ~7) + 5], 0x33
  BAD_INT_STACK "int: esp1 over the limit", call .small_data1
  BAD_INT_STACK "int: esp1 room for less", call .small_data1b

  ; INT n and friends.
%macro INT_CASE 3+            ; text, error code expected (0: INT n has none), code
  T %1
  mov dword [t_no_err], %2
  %3
  E
%endmacro
%macro INT3_CASE 3+
  T %1
  mov dword [t_no_err], %2
  TO3
  %3
  E
%endmacro
  INT_CASE "int 3, two bytes", 1, AT int 3
  INT_CASE "int3", 1, AT int3
  INT_CASE "int1", 1, AT db 0xF1
  INT_CASE "int 13 at cpl 0", 1, AT int 13
  INT_CASE "int beyond the idt", 0, AT int 0x31
  INT_CASE "int FFh beyond the idt", 0, AT int 0xFF
  INT3_CASE "int3 at cpl 3", 1, AT int3
  INT3_CASE "int 13 at cpl 3, gate dpl 0", 0, AT int 13
  INT3_CASE "int 3 at cpl 3", 1, AT int 3
  INT3_CASE "int1 at cpl 3, gate dpl 0", 1, AT db 0xF1
  T "int3 at cpl 3, gate dpl 0"
  mov byte [IDT + 3 * 8 + 5], 0x8E
  TO3
  AT int3
  E
  T "into at cpl 3, gate dpl 0"
  mov byte [IDT + 4 * 8 + 5], 0x8E
  TO3
  mov al, 0x7F
  add al, 1
  AT into
  E
  T "into with OF"
  mov al, 0x7F
  add al, 1
  AT into
  E
  T "into without OF"
  xor eax, eax
  AT into
  E
  T "bound below"
  mov dword [PAGES], 5
  mov dword [PAGES + 4], 10
  mov eax, 4
  AT bound eax, [PAGES]
  E
  T "bound at the upper end"
  mov eax, 10
  AT bound eax, [PAGES]
  E
  T "bound above"
  mov eax, 11
  AT bound eax, [PAGES]
  E
  T "bound is signed"
  mov dword [PAGES], -5
  mov eax, -5
  AT bound eax, [PAGES]
  E
  T "interrupt gate clears IF"
  push dword 0x202
  popfd
  AT int 0x2E
  E_MORE
  pushfd
  pop dword [v_l]
  SHOW " now=", [v_l]
  NL
  T "trap gate keeps IF, clears TF NT"
  mov byte [IDT + 0x30 * 8 + 5], 0xEF
  push dword 0x4202
  popfd
  AT nop
  E_MORE
  pushfd
  pop dword [v_l]
  cli
  SHOW " now=", [v_l]
  NL
  T "interrupt gate 16, same level"
  GATE IDT + 0x2E * 8, CODE0, .common_target, 0xE6, 0
  mov eax, -1
  mov ebp, 0x77777777
  push ebp
  AT int 0x2E
  E_MORE
  DUMP 3
  T "interrupt gate 16, 3 to 0"
  GATE IDT + 0x2E * 8, CODE0, .common_target, 0xE6, 0
  TO3
  AT int 0x2E
  E_MORE
  DUMP 3
  T "exception through a gate that is not present"
  mov byte [IDT + 6 * 8 + 5], 0x0E
  AT ud2
  E
  T "exception through a gate to data"
  mov word [IDT + 6 * 8 + 2], DATA0
  AT ud2
  E
  T "exception through a gate to a null selector"
  mov word [IDT + 6 * 8 + 2], 0
  AT ud2
  E
  T "exception through a gate of a bad type"
  mov byte [IDT + 6 * 8 + 5], 0x80
  AT ud2
  E
  T "int through a gate of a bad type"
  mov byte [IDT + 0x2E * 8 + 5], 0x80
  AT int 0x2E
  E
  T "int to outer code"
  mov word [IDT + 0x2E * 8 + 2], CODE3
  AT int 0x2E
  E
  T "int to conforming code of cpl 0 from 3"
  DESC SLOT, 0, 0xFFFFF, 0x9F, 0xC
  GATE IDT + 0x2E * 8, SLOT, .common_target, 0xEE, 0
  TO3
  AT int 0x2E
  E_MORE
  DUMP 3

  ; RETF and IRET to an outer level.
%macro OUTER 3+               ; text, flags, transfer; leaves ds es fs gs in the record
  T %1
  DESC SLOT, 0, 0xFFFFF, 0xB3, 0xC      ; DPL 1
  DESC SLOT + 8, 0, 0xFFFFF, 0x9F, 0xC  ; conforming, DPL 0
  mov dword [t_base], landing
  mov ax, DATA0
  mov ds, ax
  mov ax, DATA3
  mov es, ax
  mov ax, SLOT
  mov fs, ax
  mov ax, SLOT + 8
  mov gs, ax
  push dword 0x44444444
  push dword 0x55555555
  push dword DATA3
  push dword STACK3 - 0x10
  %3
  E_MORE
  SHOW " ds=", [r_ds], 4
  SHOW " es=", [r_es], 4
  SHOW " fs=", [r_fs], 4
  SHOW " gs=", [r_gs], 4
  NL
%endmacro
%macro RETF_FRAME 1
  push dword CODE3
  push dword landing
  AT retf %1
%endmacro
%macro IRET_FRAME 1
  push dword %1
  push dword CODE3
  push dword landing
  AT iretd
%endmacro
  OUTER "retf to cpl 3 nulls inner segments", 0, RETF_FRAME 0
  OUTER "iret to cpl 3 nulls inner segments", 0, IRET_FRAME 2
  OUTER "iret to cpl 3 sets IF and IOPL", 0, IRET_FRAME 0x3202
  OUTER "iret to cpl 3 sets AC and ID", 0, IRET_FRAME 0x240002
  T "retf n to cpl 3 releases both stacks"
  mov dword [t_base], landing
  push dword DATA3
  push dword STACK3 - 0x20
  push dword 0x66666666
  push dword 0x77777777
  push dword CODE3
  push dword landing
  AT retf 8
  E
  T "retf n same level"
  mov dword [t_base], .retf_landing
  mov ecx, esp
  push dword 0x66666666
  push dword CODE0
  push dword .retf_landing
  AT retf 4
.retf_landing:
  sub ecx, esp
  E_MORE
  SHOW " left=", [r_cx]
  NL
  T "retf to an inner level"
  TO3
  push dword CODE0
  push dword landing
  AT retf
  E
  T "iret to an inner level"
  TO3
  push dword 2
  push dword CODE0
  push dword landing
  AT iretd
  E
  T "iret to a null cs"
  push dword 2
  push dword 0
  push dword landing
  AT iretd
  E
  T "iret to cpl 3 with a null ss"
  push dword 3
  push dword STACK3
  push dword 2
  push dword CODE3
  push dword landing
  AT iretd
  E
  T "iret to eip beyond the limit"
  DESC SLOT, 0, 0xFFFF, 0x9B, 4
  push dword 2
  push dword SLOT
  push dword 0x10000
  AT iretd
  E
  T "iret16"
  mov dword [t_base], landing
  push word 2
  push word CODE0
  push word landing
  AT iretw
  E
  T "retf16 to cpl 3"
  mov dword [t_base], landing
  push word DATA3
  push word 0xE000
  push word CODE3
  push word landing
  AT o16 retf
  E
  T "call far, 16-bit operand"
  mov dword [t_base], .common_target
  mov dword [PAGES], .common_target
  mov dword [PAGES + 2], 0
  mov word [PAGES], .common_target
  mov word [PAGES + 2], CODE0
  push dword 0x88888888
  AT o16 call far [PAGES]
  E_MORE
  DUMP 2
  T "jmp far to a null selector"
  mov dword [far_ptr + 4], 0
  AT jmp far [far_ptr]
  E
  T "jmp far register form"
  AT db 0xFF, 0xE8
  E
  T "call far on a full stack pushes nothing"
  DESC SLOT, PAGES, 0xFF, 0xF3, 4
  push dword SLOT | 3
  push dword 4
  push dword 2
  push dword CODE3
  push dword .full
  mov eax, DATA3
  mov ds, ax
  iretd
.full:
  AT call CODE3:landing
  E
  FINISH
landing:
  int 0x30
.after:

main.small_data1:
  DESC DATA1, STACK1, 0xFFF, 0xB3, 4
  mov dword [TSS + 12], 0x2000
  ret
main.small_data1b:
  DESC DATA1, STACK1, 0xFFF, 0xB3, 4
  mov dword [TSS + 12], 0x10
  ret

section .data
align 8
far_ptr: dd 0, 0
codes: db 0x98, 0x9A, 0x9B, 0x9D, 0x9E, 0x1A, 0xB8, 0xBA, 0xBE, 0xDA, 0xDE, 0xF8, 0xFA, 0xFE, 0x7A, 0x92, 0x00
codes_end:
