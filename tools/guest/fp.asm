; SPDX-License-Identifier: MIT
; A Linux program without a library that computes with x87 and SSE and checks the results bit by
; bit. Exit status 0, or the number of the first wrong result. 32-bit (int 80h) and 64-bit (syscall).

%ifidn __OUTPUT_FORMAT__, elf64
  bits 64
  default rel
  %macro exit_with 1
    mov edi, %1
    mov eax, 60
    syscall
  %endmacro
%else
  bits 32
  %macro exit_with 1
    mov ebx, %1
    mov eax, 1
    int 80h
  %endmacro
%endif

; Compares the double in `result` with the 64-bit pattern %2; %1 is the number of the check.
%macro expect 2
  cmp dword [result], (%2) & 0xFFFFFFFF
  jne %%wrong
  cmp dword [result + 4], (%2) >> 32
  je %%right
%%wrong:
  exit_with %1
%%right:
%endmacro

section .text
global _start
_start:
  fninit
  fldpi                       ; 1: pi, rounded from extended to double
  fstp qword [result]
  expect 1, 0x400921FB54442D18

  fild dword [two]            ; 2: sqrt(2)
  fsqrt
  fstp qword [result]
  expect 2, 0x3FF6A09E667F3BCD

  fld1                        ; 3: 1/3 by division
  fild dword [three]
  fdivp st1
  fstp qword [result]
  expect 3, 0x3FD5555555555555

  fldl2e                      ; 4: 2^(log2 e) = e, split in integer and fraction
  fld st0
  frndint
  fsub st1, st0
  fxch
  f2xm1
  fld1
  faddp st1
  fscale
  fstp st1
  fstp qword [result]
  expect 4, 0x4005BF0A8B145769

  fild qword [large]          ; 5: 64-bit integer through x87 and back
  fistp qword [result]
  expect 5, 0x7123456789ABCDEF

  cvtsi2sd xmm0, dword [two]  ; 6: sqrt(2) by SSE2
  sqrtsd xmm0, xmm0
  movsd [result], xmm0
  expect 6, 0x3FF6A09E667F3BCD

  cvtsi2sd xmm1, dword [three]  ; 7: sqrt(2) / 3 + 3
  divsd xmm0, xmm1
  addsd xmm0, xmm1
  movsd [result], xmm0
  expect 7, 0x400BC56FBBBFDF4D

  movaps xmm2, [vector]       ; 8: packed singles: 1 2 3 4 -> squares -> sum 30
  mulps xmm2, xmm2
  movhlps xmm3, xmm2
  addps xmm2, xmm3
  movaps xmm3, xmm2
  shufps xmm3, xmm3, 1
  addss xmm2, xmm3
  cvtss2sd xmm2, xmm2
  movsd [result], xmm2
  expect 8, 0x403E000000000000

  movdqa xmm4, [vector]       ; 9: packed integers
  paddd xmm4, xmm4
  psubd xmm4, [vector]
  pcmpeqd xmm4, [vector]
  pmovmskb eax, xmm4
  cmp eax, 0xFFFF
  je .done
  exit_with 9
.done:
  exit_with 0

section .data
align 16
vector: dd 1.0, 2.0, 3.0, 4.0
large:  dq 0x7123456789ABCDEF
two:    dd 2
three:  dd 3

section .bss
align 8
result: resq 1

section .note.GNU-stack noalloc noexec nowrite progbits
