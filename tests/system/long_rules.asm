; SPDX-License-Identifier: MIT
; Rules of long mode: CR0.PG, CR4.PAE, EFER.LME and LMA, reserved bits of control and debug registers
; (SDM 3A "Initializing IA-32e Mode", 2B MOV). QEMU TCG checks few of them and gets lost.
%include "lib.inc"
section .text
%include "lib64.inc"
bits 32
main:
  ; Rules on the way in.
  T "cr0.PG with LME without PAE"
  mov ecx, 0xC0000080
  rdmsr
  or eax, 0x100
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  AT mov cr0, eax
  E
  T "cr0.PG with LME in a 64-bit code segment"
  call build_tables
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, PML4
  mov cr3, eax
  DESC SLOT, 0, 0xFFFFF, 0x9B, 0xA
  jmp SLOT:.in_l
.in_l:
  mov eax, cr0
  or eax, 0x80000000
  AT mov cr0, eax
  E
  ENTER_LONG_MODE
  T "efer after entry"
  mov ecx, 0xC0000080
  AT rdmsr
  E_MORE
  SHOW " ", [r_ax]
  NL
  T "efer: LME cannot change with PG"
  mov ecx, 0xC0000080
  xor edx, edx
  mov eax, 0x801
  AT wrmsr
  E
  T "efer: LMA is not writable"
  mov ecx, 0xC0000080
  xor edx, edx
  mov eax, 0x901
  AT wrmsr
  rdmsr
  E_MORE
  SHOW " ", [r_ax]
  NL
  T "cr4: PAE cannot be cleared"
  mov rax, cr4
  and eax, ~0x20
  AT mov cr4, rax
  E
  T "cr0: PG cannot be cleared in 64-bit mode"
  mov rax, cr0
  btr rax, 31
  AT mov cr0, rax
  E
  T "cr0: high half"
  mov rax, cr0
  bts rax, 40
  AT mov cr0, rax
  E
  T "cr4: high half"
  mov rax, cr4
  bts rax, 40
  AT mov cr4, rax
  E
  T "cr3: reserved high bits"
  mov rax, cr3
  bts rax, 60
  AT mov cr3, rax
  E
  T "cr8"
  mov eax, 5
  AT mov cr8, rax
  mov rbx, cr8
  xor eax, eax
  mov cr8, rax
  E_MORE
  SHOW " ", [r_bx]
  NL
  T "cr8: reserved bits"
  mov eax, 16
  AT mov cr8, rax
  E
  T "dr7: high half"
  mov rax, 0x100000400
  AT mov dr7, rax
  E
  T "dr6: high half"
  mov rax, 0x100000000
  AT mov dr6, rax
  E

  FINISH
