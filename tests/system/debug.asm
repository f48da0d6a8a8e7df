; SPDX-License-Identifier: MIT
; Debug exceptions: TF, instruction, data and I/O breakpoints, DR6, RF, general detect, MOV SS and STI
; shadows, priorities (SDM 3B "Debug Exceptions"). RF is shown here.
%include "lib.inc"
section .text
bits 32

; Records every #DB of a check, then goes on: n x (eip - base, dr6 low half, eflags.RF TF).
log_db:
  mov edi, [log_end]
  cmp edi, log + 12 * 12
  jae .full
  mov eax, [r_ip]
  sub eax, [t_base]
  mov [edi], eax
  mov eax, [r_dr6]
  mov [edi + 4], eax
  mov eax, [r_fl]
  mov [edi + 8], eax
  add dword [log_end], 12
  mov eax, 0xFFFF0FF0
  mov dr6, eax
  mov eax, dr7
  mov eax, [hook_flags]
  or [ebp + 8], eax           ; RF, when the check wants it
  jmp hook_return32
.full:
  mov dword [t_hook], 0
  and dword [ebp + 8], ~0x100
  jmp hook_return32

%macro LOGGED 1+
  T %1
  mov dword [log_end], log
  mov dword [hook_flags], 0x10000
  mov dword [t_hook], db_or_end
%endmacro
%macro LOGGED_END 0
  E_MORE
  call put_log
  NL
%endmacro
db_or_end:
  cmp dword [r_vec], 1
  je log_db
  mov dword [t_hook], 0
  mov eax, DATA0
  mov ss, ax
  mov esp, [t_sp]
  mov eax, dr7
  xor eax, eax
  mov dr7, eax
  jmp [t_resume]
put_log:
  mov ebx, log
.next:
  cmp ebx, [log_end]
  jae .end
  SAY " ["
  mov eax, [ebx]
  mov cl, 4
  call puthex32
  SHOW " ", [ebx + 4], 4
  SHOW " ", [ebx + 8], 6
  SAY "]"
  add ebx, 12
  jmp .next
.end:
  ret

%macro SET_DR7 1
  mov eax, %1
  mov dr7, eax
%endmacro
%macro SET_DR 2
  mov eax, %2
  mov %1, eax
%endmacro
%macro SET_TF 0
  pushfd
  or dword [esp], 0x100
  popfd
%endmacro

main:
  mov dword [t_mask], CONTROL_FLAGS | 0x10000
  T "RF in the frame of a fault"
  AT ud2
  E
  T "RF in the frame of a software interrupt"
  AT int 0x2E
  E
  T "RF in the frame of int3"
  AT int3
  E
  T "RF in the frame of a gp fault at cpl 3"
  TO3
  AT hlt
  E
  mov dword [t_mask], CONTROL_FLAGS   ; QEMU TCG leaves RF set after IRET
  LOGGED "TF over nops"
  SET_TF
  AT nop
  nop
  nop
  LOGGED_END
  LOGGED "TF: popfd that sets it does not trap"
  pushfd
  or dword [esp], 0x100
  AT popfd
  nop
  LOGGED_END
  LOGGED "TF: popfd that clears it traps"
  SET_TF
  AT pushfd
  and dword [esp], ~0x100
  popfd
  nop
  nop
  LOGGED_END
  LOGGED "TF over mov ss"
  mov eax, ss
  SET_TF
  AT mov ss, ax
  nop
  nop
  LOGGED_END
  LOGGED "TF over pop ss"
  mov eax, ss
  push eax
  SET_TF
  AT pop ss
  nop
  nop
  LOGGED_END
  LOGGED "TF over mov ss twice"
  mov eax, ss
  SET_TF
  AT mov ss, ax
  mov ss, ax
  nop
  nop
  LOGGED_END
  LOGGED "TF over sti"
  mov eax, ss
  SET_TF
  AT sti
  nop
  cli
  LOGGED_END
  LOGGED "TF over rep movsb"
  mov ecx, 3
  mov esi, PAGES
  mov edi, PAGES + 16
  SET_TF
  AT rep movsb
  nop
  LOGGED_END
  LOGGED "TF over rep of nothing"
  xor ecx, ecx
  SET_TF
  AT rep movsb
  nop
  LOGGED_END
  LOGGED "TF over call and ret"
  SET_TF
  AT call .ret
  nop
  jmp .past_ret
.ret:
  ret
.past_ret:
  LOGGED_END
  LOGGED "TF over a fault"
  SET_TF
  AT nop
  ud2
  LOGGED_END
  LOGGED "TF over pushfd"
  SET_TF
  AT pushfd
  pop ebx
  LOGGED_END
  LOGGED "TF over int 30h"
  SET_TF
  AT
  LOGGED_END
  LOGGED "TF set by iret: one instruction later"
  pushfd
  or dword [esp], 0x100
  push dword CODE0
  push dword .tf_iret
  iretd
.tf_iret:
  AT nop
  nop
  LOGGED_END
  LOGGED "TF through cpuid and far jump"
  SET_TF
  AT jmp CODE0:.far
.far:
  xor eax, eax
  mov eax, cr0
  nop
  LOGGED_END
  LOGGED "TF over a taken branch with an x87 instruction"
  SET_TF
  AT fld1
  fstp st0
  LOGGED_END
  LOGGED "int1"
  AT db 0xF1
  nop
  LOGGED_END

  ; Instruction breakpoints.
  LOGGED "execute breakpoint"
  SET_DR dr0, .bp0
  SET_DR7 0x2
  AT nop
.bp0:
  nop
  nop
  LOGGED_END
  mov dword [t_mask], CONTROL_FLAGS | 0x10000
  T "execute breakpoint is a fault, RF in the frame"
  SET_DR dr0, %$at
  SET_DR7 0x2
  AT nop
  E
  mov dword [t_mask], CONTROL_FLAGS
  LOGGED "execute breakpoint, RF clear in the frame repeats"
  mov dword [hook_flags], 0
  SET_DR dr0, .bp1
  SET_DR7 0x2
  AT nop
.bp1:
  inc eax
  LOGGED_END
  LOGGED "execute breakpoint on a faulting instruction comes first"
  SET_DR dr0, .bp2
  SET_DR7 0x2
  AT nop
.bp2:
  ud2
  LOGGED_END
  LOGGED "execute breakpoints 0 and 3 at one place"
  SET_DR dr0, .bp3
  SET_DR dr3, .bp3
  SET_DR7 0x82
  AT nop
.bp3:
  nop
  LOGGED_END
  LOGGED "execute breakpoint after mov ss"
  SET_DR dr0, .bp5
  SET_DR7 0x2
  mov eax, ss
  AT mov ss, ax
.bp5:
  nop
  nop
  LOGGED_END
  LOGGED "execute breakpoint and TF together"
  SET_DR dr0, .bp6
  SET_DR7 0x2
  SET_TF
  AT nop
.bp6:
  nop
  nop
  LOGGED_END
  LOGGED "disabled breakpoint that matches"
  SET_DR dr0, .bp7
  SET_DR dr1, .bp7
  SET_DR7 0x8
  AT nop
.bp7:
  nop
  LOGGED_END
  LOGGED "popfd clears RF"
  SET_DR dr0, .bp8
  SET_DR7 0x2
  pushfd
  or dword [esp], 0x10000
  AT popfd
.bp8:
  nop
  LOGGED_END
  LOGGED "iret with RF skips it once"
  SET_DR dr0, .bp9
  SET_DR7 0x2
  pushfd
  or dword [esp], 0x10000
  push dword CODE0
  push dword .bp9
  AT iretd
.bp9:
  nop
  LOGGED_END
  LOGGED "execute breakpoint in a rep"
  SET_DR dr0, .bp10
  SET_DR7 0x2
  mov ecx, 3
  mov esi, PAGES
  mov edi, PAGES + 64
  AT nop
.bp10:
  rep movsb
  nop
  LOGGED_END

  ; Data breakpoints.
%macro DATA_BP 4+             ; text, address, dr7, instruction
  LOGGED %1
  SET_DR dr1, %2
  SET_DR7 %3
  mov ecx, 2
  mov esi, PAGES
  mov edi, PAGES + 0x40
  mov eax, 0
  AT %4
  nop
  LOGGED_END
%endmacro
  DATA_BP "write 1, written", PAGES, 0x00100008, mov [PAGES], al
  DATA_BP "write 1, read", PAGES, 0x00100008, mov al, [PAGES]
  DATA_BP "read-write 1, read", PAGES, 0x00300008, mov al, [PAGES]
  DATA_BP "read-write 1, beside", PAGES, 0x00300008, mov al, [PAGES + 1]
  DATA_BP "write 1, dword over it", PAGES + 2, 0x00100008, mov [PAGES], eax
  DATA_BP "write 4, last byte", PAGES, 0x00D00008, mov [PAGES + 3], al
  DATA_BP "write 4, byte beyond", PAGES, 0x00D00008, mov [PAGES + 4], al
  DATA_BP "write 4, misaligned address register", PAGES + 2, 0x00D00008, mov [PAGES], al
  DATA_BP "write 2", PAGES, 0x00500008, mov [PAGES + 1], al
  DATA_BP "write 8", PAGES, 0x00900008, mov [PAGES + 7], al
  DATA_BP "unaligned write reaches", PAGES + 4, 0x00D00008, mov [PAGES + 2], eax
  DATA_BP "rmw", PAGES, 0x00D00008, add [PAGES], eax
  DATA_BP "rmw of a read-write", PAGES, 0x00F00008, add [PAGES], eax
  DATA_BP "cmpxchg that fails writes", PAGES, 0x00D00008, cmpxchg [PAGES], ecx
  DATA_BP "push", STACK - 4, 0x00D00008, push eax
  DATA_BP "movsb, source", PAGES, 0x00300008, movsb
  DATA_BP "rep movsb, second source", PAGES + 1, 0x00300008, rep movsb
  DATA_BP "rep movsb, destination", PAGES + 0x40, 0x00100008, rep movsb
  DATA_BP "fxsave over it", PAGES + 0x104, 0x00D00008, fxsave [PAGES + 0x100]
  DATA_BP "fst", PAGES, 0x00D00008, fnstcw [PAGES]
  DATA_BP "lgdt reads", live_gdtr, 0x00F00008, lgdt [live_gdtr]
  DATA_BP "disabled", PAGES, 0x00D00000, mov [PAGES], al
  DATA_BP "global and local", PAGES, 0x00D0000C, mov [PAGES], al
  LOGGED "data breakpoint in the mov ss shadow waits"
  SET_DR dr1, PAGES
  SET_DR7 0x00F00008
  mov [PAGES], ss
  AT mov ss, [PAGES]
  nop
  nop
  LOGGED_END
  LOGGED "data breakpoint and TF"
  SET_DR dr1, PAGES
  SET_DR7 0x00D00008
  SET_TF
  AT mov [PAGES], al
  nop
  LOGGED_END
  LOGGED "two data breakpoints"
  SET_DR dr1, PAGES
  SET_DR dr2, PAGES
  SET_DR7 0x0DD00028
  AT mov [PAGES], al
  nop
  LOGGED_END

  ; I/O breakpoints.
  mov eax, cr4
  or eax, 8
  mov cr4, eax
  T "dr4 with DE"
  AT mov eax, dr4
  E
  T "dr5 with DE"
  AT mov dr5, eax
  E
  mov eax, cr4
  and eax, ~8
  mov cr4, eax
  T "dr4 is dr6 without DE"
  AT mov eax, dr4
  E_MORE
  SHOW " ", [r_ax]
  NL
  T "dr5 is dr7 without DE"
  AT mov eax, dr5
  E_MORE
  SHOW " ", [r_ax]
  NL
  T "dr6 of ones"
  mov eax, -1
  mov dr6, eax
  AT mov eax, dr6
  E_MORE
  SHOW " ", [r_ax]
  NL
  T "dr6 of zero"
  xor eax, eax
  mov dr6, eax
  AT mov eax, dr6
  E_MORE
  SHOW " ", [r_ax]
  NL
  T "dr7 of ones but GD"
  mov eax, 0xFFFF00AA & ~0x22222222
  mov dr7, eax
  AT mov ebx, dr7
  xor eax, eax
  mov dr7, eax
  E_MORE
  SHOW " ", [r_bx]
  NL
  T "general detect"
  SET_DR7 0x2000
  AT mov eax, dr0
  E_MORE
  mov eax, dr7
  mov [v_l], eax
  SHOW " dr7=", [v_l]
  NL
  T "general detect on dr7"
  SET_DR7 0x2000
  AT mov dr7, eax
  E
  T "general detect with DE on dr4"
  mov eax, cr4
  or eax, 8
  mov cr4, eax
  SET_DR7 0x2000
  AT mov eax, dr4
  E
  mov eax, cr4
  and eax, ~8
  mov cr4, eax
  T "TF at cpl 3"
  TO3 0x102
  AT nop
  E
  T "TF at cpl 3 over int 30h of dpl 0"
  TO3 0x102
  AT nop
  E
  ; QEMU TCG 7.2 ends itself here: last.
  mov eax, cr4
  or eax, 8
  mov cr4, eax
  DATA_BP "I/O breakpoint out", 0x80, 0x00200008, out 0x80, al
  DATA_BP "I/O breakpoint in", 0x80, 0x00200008, in al, 0x80
  DATA_BP "I/O breakpoint beside", 0x81, 0x00200008, out 0x80, al
  DATA_BP "I/O breakpoint in a word", 0x81, 0x00200008, out 0x80, ax
  DATA_BP "I/O breakpoint, memory access", PAGES, 0x00200008, mov [PAGES], al
  FINISH
section .data
align 8
log: times 3 * 16 dd 0
log_end: dd 0
hook_flags: dd 0
