; SPDX-License-Identifier: MIT
; Segment register loads, null selectors, limits, expand-down, LAR LSL VERR VERW, ARPL
; (SDM 3A "Protection", SDM 2 MOV, LAR, LSL, VERR).
%include "lib.inc"
section .text
bits 32

; MOV to a segment register: every access byte with a code, data or system type; RPL 0 to 3.
; One line for each access byte; only DPL 0 and 3, present or not.
%macro LOAD_MATRIX 3          ; text, instruction text of the register, CPL
  mov dword [v_i], 0x00
%%access:
  SAY %1
  mov eax, [v_i]
  mov cl, 2
  call puthex32
  mov dword [v_j], 0
%%rpl:
  TRY
  DESC SLOT, 0x1000, 0xFFFF, 0, 0
  mov al, [v_i]
  mov [GDT + SLOT + 5], al
  mov ebx, SLOT
  or ebx, [v_j]
 %if %3 == 3
  TO3
 %endif
  AT mov %2, bx
  TRIED
  RESULT
  mov eax, [GDT + SLOT + 4]
  shr eax, 8
  mov cl, 2
  push eax
  mov al, '/'
  call putc32
  pop eax
  call puthex32
  add dword [v_j], 1
  cmp dword [v_j], 4
  jb %%rpl
  NL
  mov eax, [v_i]
  add eax, 1
  test eax, 0x20
  jz %%next
  add eax, 0x20 + 0x20        ; skips DPL 1 and 2
%%next:
  mov [v_i], eax
  and eax, 0x60
  cmp eax, 0x40
  jne %%kept
  add dword [v_i], 0x20
%%kept:
  cmp dword [v_i], 0x100
  jb %%access
%endmacro

main:
  LOAD_MATRIX "ds cpl0 access ", ds, 0
  LOAD_MATRIX "ds cpl3 access ", ds, 3
  LOAD_MATRIX "ss cpl0 access ", ss, 0
  LOAD_MATRIX "ss cpl3 access ", ss, 3

  ; LAR, LSL, VERR, VERW: one line for each access byte, at CPL 0 and 3, RPL 0 and 3.
%macro QUERY_MATRIX 1         ; CPL
  mov dword [v_i], 0
%%access:
  SAY "lar lsl verr verw cpl", '0' + %1, " "
  mov eax, [v_i]
  mov cl, 2
  call puthex32
  mov dword [v_j], 0
%%rpl:
  TRY
  DESC SLOT, 0x1000, 0x1234, 0, 0xD
  mov al, [v_i]
  mov [GDT + SLOT + 5], al
  mov ebx, SLOT
  or ebx, [v_j]
 %if %1 == 3
  TO3
 %endif
  AT
  mov esi, 0x5555
  mov edi, 0x6666
  xor ecx, ecx
  lar esi, ebx
  setz cl
  lsl edi, ebx
  setz ch
  xor edx, edx
  verr bx
  setz dl
  verw bx
  setz dh
  TRIED
  RESULT
  SHOW " ", [r_si]
  SHOW " ", [r_di]
  SHOW " ", [r_cx], 4
  SHOW " ", [r_dx], 4
  add dword [v_j], 3
  cmp dword [v_j], 6
  jb %%rpl
  NL
  add dword [v_i], 1
  mov eax, [v_i]
  and eax, 0x60
  cmp eax, 0x20
  je %%skip
  cmp eax, 0x40
  jne %%kept
%%skip:
  add dword [v_i], 0x20
  jmp %%kept2
%%kept:
  jmp %%kept2
%%kept2:
  cmp dword [v_i], 0x100
  jb %%access
%endmacro
  QUERY_MATRIX 0
  QUERY_MATRIX 3

  T "lar null"
  xor ebx, ebx
  mov esi, 0x1234
  stc
  AT lar esi, ebx
  E_MORE
  SHOW " esi=", [r_si]
  NL
  T "lar beyond the table"
  mov ebx, 0x1000
  mov esi, 0x1234
  AT lar esi, ebx
  E_MORE
  SHOW " esi=", [r_si]
  NL
  T "lar 16-bit result"
  mov esi, 0x12345678
  mov ebx, CODE0
  AT lar si, bx
  E_MORE
  SHOW " esi=", [r_si]
  NL
  T "lsl 16-bit result"
  mov esi, 0x12345678
  mov ebx, CODE0
  AT lsl si, bx
  E_MORE
  SHOW " esi=", [r_si]
  NL

  T "arpl raises"
  mov eax, 0x1230
  mov ebx, 3
  AT arpl ax, bx
  setz cl
  E_MORE
  SHOW " eax=", [r_ax]
  SHOW " zf=", [r_cx], 2
  NL
  T "arpl keeps"
  mov eax, 0x1233
  mov ebx, 1
  AT arpl ax, bx
  setz cl
  E_MORE
  SHOW " eax=", [r_ax]
  SHOW " zf=", [r_cx], 2
  NL
  T "arpl memory read-only, no change needed"
  DESC SLOT, 0, 0xFFFFF, 0x91, 0xC
  mov ax, SLOT
  mov ds, ax
  mov ebx, 0
  mov dword [ss:PAGES], 3
  AT arpl [PAGES], bx
  E

  ; Null selectors.
%macro NULL_LOAD 2
  T "load null ", %1
  mov ebx, 3
  AT mov %2, bx
  E
  T "use null ", %1
  xor ebx, ebx
  mov %2, bx
  AT mov al, [%2:0]
  E
%endmacro
  NULL_LOAD "ds", ds
  NULL_LOAD "es", es
  NULL_LOAD "fs", fs
  NULL_LOAD "gs", gs
  T "load null ss"
  xor ebx, ebx
  AT mov ss, bx
  E
  T "load null ss rpl 3"
  mov ebx, 3
  AT mov ss, bx
  E
  T "load null ss at cpl 3"
  mov ebx, 3
  TO3
  AT mov ss, bx
  E
  T "mov cs"
  mov ebx, CODE0
  AT db 0x8E, 0xCB
  E
  T "mov segment register 6"
  AT db 0x8E, 0xF3
  E
  T "pop ds of a bad selector keeps esp"
  push dword SLOT
  mov ecx, esp
  AT pop ds
  E
  T "pop ss of a bad selector"
  push dword SLOT
  AT pop ss
  E
  T "lds of a bad selector"
  mov dword [PAGES], 0x11223344
  mov dword [PAGES + 4], SLOT
  mov eax, 0x77
  AT lds eax, [PAGES]
  E_MORE
  SHOW " eax=", [r_ax]
  NL
  T "les at the end of the segment"
  DESC SLOT, PAGES, 0x0F, 0x93, 4
  mov ax, SLOT
  mov ds, ax
  AT les eax, [0x0B]
  E
  T "selector beyond the gdt"
  mov ebx, 0x100
  AT mov ds, bx
  E
  T "selector over the edge of the gdt"
  lgdt [.gdtr]
  mov ebx, 0x80
  AT mov ds, bx
  E
  T "selector at the edge of the gdt"
  DESC SLOT, 0, 0xFFFF, 0x93, 0
  lgdt [.gdtr2]
  mov ebx, 0x80
  AT mov ds, bx
  E
  T "selector of an absent ldt"
  mov ebx, 4
  AT mov ds, bx
  E
  T "selector of the ldt"
  mov ax, LDTSEL
  lldt ax
  mov dword [LDT + 8], DESC_LOW(0, 0xFFFF)
  mov dword [LDT + 12], DESC_HIGH(0, 0xFFFF, 0x93, 0)
  mov ebx, 0x0C
  AT mov ds, bx
  E
  T "selector beyond the ldt"
  mov ax, LDTSEL
  lldt ax
  mov ebx, 0x1004
  AT mov ds, bx
  E
  T "lldt of data"
  mov eax, DATA0
  AT lldt ax
  E
  T "lldt not present"
  DESC SLOT, LDT, 0xFF, 0x02, 0
  mov eax, SLOT
  AT lldt ax
  E
  T "lldt in the ldt"
  mov eax, LDTSEL | 4
  AT lldt ax
  E
  T "lldt cpl 3"
  mov eax, LDTSEL
  TO3
  AT lldt ax
  E
  T "ltr busy"
  mov eax, TSSSEL
  AT ltr ax
  E
  T "ltr null"
  xor eax, eax
  AT ltr ax
  E
  T "ltr not present"
  DESC SLOT, TSS, 0x67, 0x09, 0
  mov eax, SLOT
  AT ltr ax
  E
  T "ltr 16-bit tss"
  DESC SLOT, TSS, 0x67, 0x81, 0
  mov eax, SLOT
  AT ltr ax
  str bx
  E_MORE
  SHOW " tr=", [r_bx], 4
  SHOW " desc=", [GDT + SLOT + 4]
  NL

  FINISH
.gdtr: dw 0x86
  dd GDT
.gdtr2: dw 0x87
  dd GDT
