; SPDX-License-Identifier: MIT
; POPF, PUSHF, IRET, STI, CLI, HLT and I/O by CPL and IOPL; privileged instructions at CPL 3; CR0, CR4,
; EFER and other MSR rules; UMIP; #NM, #MF and #XM enables (SDM 3A "Privileged Instructions", 2B POPF).
%include "lib.inc"
section .text
bits 32

; POPF of all ones and of zero, with each IOPL, at CPL 0 and 3, operand size 32 and 16.
%macro POPF_CASE 4            ; text, flags before, CPL, popped
  T %1
  push dword %2
 %if %3 == 3
  pop edx
  mov edx, %2
  TO3 edx
 %else
  popfd
 %endif
  AT
  push dword %4
  popfd
  pushfd
  pop ebx
  push dword 0x2
 %if %3 == 3
  pop ecx
 %else
  popfd
 %endif
  E_MORE
  and dword [r_bx], CONTROL_FLAGS
  SHOW " now=", [r_bx]
  NL
%endmacro
%macro POPFW_CASE 4
  T %1
  mov edx, %2
 %if %3 == 3
  TO3 edx
 %else
  push edx
  popfd
 %endif
  AT
  push word %4
  popfw
  pushfd
  pop ebx
 %if %3 == 0
  push dword 0x2
  popfd
 %endif
  E_MORE
  and dword [r_bx], CONTROL_FLAGS
  SHOW " now=", [r_bx]
  NL
%endmacro

; One instruction at every IOPL at CPL 3, with IF clear and set.
%macro BY_IOPL 2-3+           ; text, instruction
%assign iopl 0
%rep 4
  T %1, " iopl ", '0' + iopl
  TO3 2 | (iopl << 12)
  AT %2
  %3
  E
%assign iopl iopl + 1
%endrep
%endmacro

%macro PRIVILEGED 2+          ; at CPL 3
  T %1, " cpl 3"
  xor eax, eax
  xor ecx, ecx
  xor edx, edx
  TO3 0x3002
  mov ebx, PAGES
  AT %2
  E
%endmacro
%macro PRIVILEGED0 2+
  T %1, " cpl 0"
  mov ebx, PAGES
  AT %2
  E
%endmacro

%macro CR0_CASE 3             ; text, value to or, value to clear
  T %1
  mov eax, cr0
  mov [v_i], eax
  or eax, %2
  and eax, ~(%3)
  AT mov cr0, eax
  mov eax, cr0
  E_MORE
  SHOW " cr0=", [r_ax]
  mov eax, [v_i]
  mov cr0, eax
  NL
%endmacro
%macro CR4_CASE 2
  T %1
  mov eax, cr4
  mov [v_i], eax
  or eax, %2
  AT mov cr4, eax
  E
  mov eax, [v_i]
  mov cr4, eax
%endmacro
%macro WRMSR_CASE 4           ; text, msr, edx, eax
  T %1
  mov ecx, %2
  mov edx, %3
  mov eax, %4
  AT wrmsr
  E
%endmacro
%macro RDMSR_CASE 2
  T %1
  mov ecx, %2
  AT rdmsr
  E
%endmacro
; An instruction under each combination of EM, MP, TS (CR0 bits 2, 1, 3).
%macro BY_FPU_BITS 2+
  mov dword [v_i], 0
%%next:
  SAY %1, " em,mp,ts="
  mov eax, [v_i]
  mov cl, 1
  call puthex32
  TRY
  fninit
  mov eax, cr0
  mov [v_j], eax
  and eax, ~0x0E
  mov ecx, [v_i]
  shl ecx, 1
  or eax, ecx
  mov cr0, eax
  AT
  %2
  TRIED
  mov eax, [v_j]
  mov cr0, eax
  clts
  RESULT
  NL
  add dword [v_i], 1
  cmp dword [v_i], 8
  jb %%next
%endmacro
; With CR4 = %2 and CR0 as given.
%macro SSE_CASE 3-4+          ; text, cr4, cr0 bits to set, instruction
  T %1
  mov eax, cr4
  mov [v_i], eax
  mov eax, cr0
  mov [v_j], eax
  or eax, %3
  mov ecx, %2
  mov cr4, ecx
  mov cr0, eax
  AT %4
  TRIED
  mov eax, [v_j]
  mov cr0, eax
  clts
  mov eax, [v_i]
  mov cr4, eax
  call report32
  NL
%endmacro

main:
  POPF_CASE "popfd ones cpl 0", 2, 0, 0x3F7CD7
  POPF_CASE "popfd ones cpl 3 iopl 0", 2, 3, 0x3F7CD7
  POPF_CASE "popfd ones cpl 3 iopl 0 if", 0x202, 3, 0x3F7CD7
  POPF_CASE "popfd zero cpl 3 iopl 0 if", 0x202, 3, 0
  POPF_CASE "popfd zero cpl 3 iopl 3 if", 0x3202, 3, 0
  POPF_CASE "popfd ones cpl 3 iopl 3", 0x3002, 3, 0x3F7CD7
  POPF_CASE "popfd ones cpl 3 iopl 2", 0x2002, 3, 0x3F7CD7
  POPF_CASE "popfd all ones cpl 0", 2, 0, 0xFFFFFEFF
  POPFW_CASE "popfw ones cpl 0", 2, 0, 0x7CD7
  POPFW_CASE "popfw ones cpl 3 iopl 0", 2, 3, 0x7CD7
  POPFW_CASE "popfw zero cpl 3 iopl 3 if", 0x243202, 3, 0
  POPFW_CASE "popfw zero cpl 3 iopl 0 if", 0x240202, 3, 0

%macro IRET_SAME 3            ; text, flags before, flags in the frame; CPL 3
  T %1
  mov edx, %2
  TO3 edx
  push dword %3
  push dword CODE3
  push dword %%next
  AT iretd
%%next:
  E
%endmacro
  IRET_SAME "iret cpl 3 iopl 0 ones", 2, 0x2474D7
  IRET_SAME "iret cpl 3 iopl 3 ones", 0x3002, 0x2474D7
  IRET_SAME "iret cpl 3 iopl 0 zero", 0x202, 0
  T "iret with NT at cpl 3 iopl 0"
  TO3 0x4002
  AT iretd
  E

  BY_IOPL "cli", cli
  BY_IOPL "sti", sti
  BY_IOPL "pushfd", pushfd
  BY_IOPL "in al, dx", {in al, dx}
  BY_IOPL "in al, imm", {in al, 0x80}
  BY_IOPL "out imm, eax", {out 0x80, eax}
  BY_IOPL "insb", insb
  BY_IOPL "outsb with a bad segment", {db 0x2E}, outsb
  T "hlt cpl 3"
  TO3 0x3002
  AT hlt
  E
  ; The I/O permission bitmap.
%macro BITMAP 4               ; text, port, setup
  T %1
  mov dword [TSS + 104], 0
  mov dword [TSS + 108], 0
  mov dword [TSS + 112], 0xFFFFFFFF
  %3
  TO3
  mov edx, %2
  AT %4
  E
%endmacro
  BITMAP "bitmap allows", 0x10, nop, {in al, dx}
  BITMAP "bitmap denies", 0x10, {mov byte [TSS + 106], 1}, {in al, dx}
  BITMAP "bitmap denies the second byte of a word", 0x0F, {mov byte [TSS + 106], 1}, {in ax, dx}
  BITMAP "bitmap allows the byte before", 0x0F, {mov byte [TSS + 106], 1}, {in al, dx}
  BITMAP "bitmap denies the last byte of a dword", 0x0D, {mov byte [TSS + 106], 1}, {in eax, dx}
  BITMAP "bitmap base beyond the limit", 0x10, {mov word [TSS + 102], 0x1000}, {in al, dx}
  BITMAP "bitmap base over the limit", 0x10, {mov word [TSS + 102], 0xFFE}, {in al, dx}
  BITMAP "bitmap ends at the limit", 0x7FF8, nop, {in al, dx}

  PRIVILEGED "hlt", hlt
  PRIVILEGED "clts", clts
  PRIVILEGED "invd", invd
  PRIVILEGED "wbinvd", wbinvd
  PRIVILEGED "invlpg", invlpg [ebx]
  PRIVILEGED "lgdt", lgdt [ebx]
  PRIVILEGED "lidt", lidt [ebx]
  PRIVILEGED "lldt", lldt ax
  PRIVILEGED "ltr", ltr ax
  PRIVILEGED "lmsw", lmsw ax
  PRIVILEGED "mov cr0", mov cr0, eax
  PRIVILEGED "mov from cr0", mov eax, cr0
  PRIVILEGED "mov from cr1", db 0x0F, 0x20, 0xC8
  PRIVILEGED "mov cr3", mov cr3, eax
  PRIVILEGED "mov dr7", mov dr7, eax
  PRIVILEGED "mov from dr0", mov eax, dr0
  PRIVILEGED "rdmsr", rdmsr
  PRIVILEGED "wrmsr", wrmsr
  PRIVILEGED "rdpmc", rdpmc
  PRIVILEGED "sysexit", sysexit
  PRIVILEGED "sysret", db 0x0F, 0x07
  PRIVILEGED "syscall without SCE", syscall
  PRIVILEGED "sysenter without cs", sysenter
  PRIVILEGED "xsetbv without osxsave", xsetbv
  PRIVILEGED "sgdt", sgdt [ebx]
  PRIVILEGED "sidt", sidt [ebx]
  PRIVILEGED "sldt", sldt ax
  PRIVILEGED "str", str ax
  PRIVILEGED "ud2", ud2
  PRIVILEGED "lock nop", db 0xF0, 0x90
  PRIVILEGED "lock hlt", db 0xF0, 0xF4
  PRIVILEGED "lock mov cr0", db 0xF0, 0x0F, 0x22, 0xC0
  PRIVILEGED0 "lock add register", db 0xF0, 0x01, 0xC0
  PRIVILEGED0 "lock add memory", lock add [ebx], eax
  PRIVILEGED0 "lock cmp memory", db 0xF0, 0x39, 0x03
  PRIVILEGED0 "mov cr1", db 0x0F, 0x22, 0xC8
  PRIVILEGED0 "mov cr5", db 0x0F, 0x22, 0xE8
  PRIVILEGED0 "mov cr8 in 32-bit mode", db 0x0F, 0x22, 0xC0 | 0x38
  PRIVILEGED0 "lgdt register", db 0x0F, 0x01, 0xD0 | 7
  PRIVILEGED0 "lidt register", db 0x0F, 0x01, 0xDE
  PRIVILEGED0 "swapgs in 32-bit mode", db 0x0F, 0x01, 0xF8
  PRIVILEGED0 "les register", db 0xC5, 0xC0, 0x57, 0xC0
  PRIVILEGED0 "movsxd is arpl", db 0x63, 0xC0
  PRIVILEGED0 "lea register", db 0x8D, 0xC0
  PRIVILEGED0 "sysexit without cs", sysexit
  PRIVILEGED0 "rsm outside smm", rsm
  PRIVILEGED0 "far call register", db 0xFF, 0xD8
  PRIVILEGED0 "group 5 /7", db 0xFF, 0xF8
  PRIVILEGED0 "ud0", db 0x0F, 0xFF, 0xC0
  PRIVILEGED0 "ud1", db 0x0F, 0xB9, 0xC0
  PRIVILEGED0 "15 bytes", db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
  PRIVILEGED0 "16 bytes", db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90

  T "smsw register 32"
  mov eax, -1
  AT smsw eax
  E_MORE
  SHOW " eax=", [r_ax]
  NL
  T "smsw register 16"
  mov eax, -1
  AT smsw ax
  E_MORE
  SHOW " eax=", [r_ax]
  NL
  T "str sldt register 32"
  mov eax, -1
  mov ebx, -1
  AT str eax
  sldt ebx
  E_MORE
  SHOW " ", [r_ax]
  SHOW " ", [r_bx]
  NL
  T "lmsw cannot clear PE"
  xor eax, eax
  AT lmsw ax
  mov eax, cr0
  E_MORE
  SHOW " cr0=", [r_ax]
  NL
  T "lmsw sets TS"
  mov eax, 0x9
  AT lmsw ax
  mov eax, cr0
  E_MORE
  SHOW " cr0=", [r_ax]
  NL
  T "sgdt with o16"
  mov dword [PAGES], -1
  mov dword [PAGES + 4], -1
  AT o16 sgdt [PAGES]
  E_MORE
  SHOW " ", [PAGES + 4]
  SHOW "", [PAGES]
  NL
  T "sidt"
  mov dword [PAGES], -1
  mov dword [PAGES + 4], -1
  AT sidt [PAGES]
  E_MORE
  SHOW " ", [PAGES + 4]
  SHOW "", [PAGES]
  NL

  CR0_CASE "cr0: NW without CD", 0x20000000, 0x40000000
  CR0_CASE "cr0: CD", 0x40000000, 0x20000000
  CR0_CASE "cr0: reserved bits", 0x1FFAFFC0, 0
  CR0_CASE "cr0: ET cannot be cleared", 0, 0x10
  CR0_CASE "cr0: AM WP", 0x50000, 0
  CR4_CASE "cr4: VME PVI TSD DE", 0xF
  CR4_CASE "cr4: PCIDE outside long mode", 0x20000
  CR4_CASE "cr4: VMXE hidden", 0
  CR4_CASE "cr4: SMEP SMAP UMIP", 0x300800
  WRMSR_CASE "efer: reserved bit", 0xC0000080, 0, 0x2
  WRMSR_CASE "efer: high half", 0xC0000080, 1, 0
  WRMSR_CASE "efer: LMA by hand", 0xC0000080, 0, 0x400
  WRMSR_CASE "efer: SCE NXE", 0xC0000080, 0, 0x801
  WRMSR_CASE "efer: zero", 0xC0000080, 0, 0
  WRMSR_CASE "fs base not canonical", 0xC0000100, 0x8000, 0
  WRMSR_CASE "lstar not canonical", 0xC0000082, 0x8000, 0
  WRMSR_CASE "sysenter eip not canonical", 0x176, 0x8000, 0
  WRMSR_CASE "pat bad type", 0x277, 0, 2
  WRMSR_CASE "pat high bits of a type", 0x277, 0, 0x10
  WRMSR_CASE "mtrr default type bad", 0x2FF, 0, 0x2
  WRMSR_CASE "apic base reserved bits", 0x1B, 0, 0xFEE00001
  WRMSR_CASE "star", 0xC0000081, 0x12345678, 0x9ABCDEF0
  RDMSR_CASE "rdmsr nowhere", 0x12345678
  RDMSR_CASE "rdmsr 0xC0001234", 0xC0001234
  T "xsetbv: x87 off"
  mov eax, cr4
  or eax, 0x40000
  mov cr4, eax
  xor ecx, ecx
  xor edx, edx
  mov eax, 2
  AT xsetbv
  E
  T "xsetbv: AVX without SSE"
  xor ecx, ecx
  xor edx, edx
  mov eax, 5
  AT xsetbv
  E
  T "xsetbv: bad index"
  mov ecx, 1
  xor edx, edx
  mov eax, 1
  AT xsetbv
  E
  T "xsetbv at cpl 3"
  TO3
  xor ecx, ecx
  xor edx, edx
  mov eax, 1
  AT xsetbv
  E
  T "xgetbv: bad index"
  mov ecx, 2
  AT xgetbv
  E
  T "xsetbv: good"
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  AT xsetbv
  E
  mov eax, cr4
  and eax, ~0x40000
  mov cr4, eax

  T "rdtsc with TSD at cpl 3"
  mov eax, cr4
  or eax, 4
  mov cr4, eax
  TO3
  AT rdtsc
  E
  T "rdtscp with TSD at cpl 3"
  TO3
  AT rdtscp
  E
  T "rdtsc with TSD at cpl 0"
  AT rdtsc
  E
  mov eax, cr4
  and eax, ~4
  mov cr4, eax
  ; UMIP.
  mov eax, cr4
  or eax, 0x800
  mov cr4, eax
  PRIVILEGED "umip: sgdt", sgdt [ebx]
  PRIVILEGED "umip: sidt", sidt [ebx]
  PRIVILEGED "umip: sldt", sldt ax
  PRIVILEGED "umip: str", str ax
  PRIVILEGED "umip: smsw", smsw ax
  PRIVILEGED "umip: smsw memory", smsw [ebx]
  PRIVILEGED0 "umip: sgdt", sgdt [ebx]
  mov eax, cr4
  and eax, ~0x800
  mov cr4, eax

  BY_FPU_BITS "fld1", fld1
  BY_FPU_BITS "fwait", fwait
  BY_FPU_BITS "fninit", fninit
  BY_FPU_BITS "fnstcw", fnstcw [PAGES]
  BY_FPU_BITS "emms", emms
  BY_FPU_BITS "fxsave", fxsave [PAGES]
  SSE_CASE "addps without OSFXSR", 0, 0, addps xmm0, xmm0
  SSE_CASE "addps with OSFXSR", 0x200, 0, addps xmm0, xmm0
  SSE_CASE "addps with EM", 0x200, 4, addps xmm0, xmm0
  SSE_CASE "addps with TS", 0x200, 8, addps xmm0, xmm0
  SSE_CASE "addps with EM TS", 0x200, 0xC, addps xmm0, xmm0
  SSE_CASE "addps without OSFXSR with TS", 0, 8, addps xmm0, xmm0
  SSE_CASE "ldmxcsr without OSFXSR", 0, 0, ldmxcsr [mxcsr_default]
  SSE_CASE "ldmxcsr reserved bits", 0x200, 0, ldmxcsr [mxcsr_bad]
  SSE_CASE "sfence without OSFXSR with EM", 0, 4, sfence
  SSE_CASE "prefetch without OSFXSR with EM", 0, 4, prefetcht0 [PAGES]
  SSE_CASE "movnti without OSFXSR", 0, 4, movnti [PAGES], eax
  SSE_CASE "crc32 without OSFXSR", 0, 4, crc32 eax, eax
  SSE_CASE "popcnt with EM", 0, 4, popcnt eax, eax
  SSE_CASE "vaddps without OSXSAVE", 0x200, 0, vaddps ymm0, ymm0, ymm0
  SSE_CASE "xsave without OSXSAVE", 0x200, 0, xsave [PAGES]
  SSE_CASE "xsave with TS", 0x40200, 8, xsave [PAGES]
  SSE_CASE "xsave misaligned", 0x40200, 0, xsave [PAGES + 8]
  SSE_CASE "divps by zero unmasked, OSXMMEXCPT", 0x600, 0, call divide_unmasked
  SSE_CASE "divps by zero unmasked, no OSXMMEXCPT", 0x200, 0, call divide_unmasked
  SSE_CASE "movaps misaligned", 0x200, 0, movaps xmm0, [PAGES + 4]
  SSE_CASE "movups misaligned", 0x200, 0, movups xmm0, [PAGES + 4]
  T "x87 fault waits for the next instruction"
  fninit
  fldcw [control_unmasked]
  fldz
  fld1
  AT fdiv st0, st1
  nop
  fnstsw ax
  fwait
  E_MORE
  fnclex
  NL
  T "x87 fault at fld"
  fninit
  fldcw [control_unmasked]
  fldz
  fld1
  fdiv st0, st1
  AT fld1
  E
  fninit
  T "x87 fault not at fnclex"
  fninit
  fldcw [control_unmasked]
  fldz
  fld1
  fdiv st0, st1
  AT fnclex
  fld1
  E
  fninit
  T "x87 unmasked by fldcw with a pending flag"
  fninit
  fldz
  fld1
  fdiv st0, st1
  AT fldcw [control_unmasked]
  fnop
  E
  fninit
  ; #AC
%macro ALIGN 4+               ; text, CPL, flags, instruction
  T %1
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
 %if %2 == 3
  TO3 %3
 %else
  push dword %3
  popfd
 %endif
  AT %4
  E
%endmacro
  ALIGN "ac: dword at cpl 3", 3, 0x40002, mov eax, [PAGES + 1]
  ALIGN "ac: aligned", 3, 0x40002, mov eax, [PAGES + 4]
  ALIGN "ac: AC clear", 3, 2, mov eax, [PAGES + 1]
  ALIGN "ac: cpl 0", 0, 0x40002, mov eax, [PAGES + 1]
  ALIGN "ac: word", 3, 0x40002, mov ax, [PAGES + 1]
  ALIGN "ac: byte", 3, 0x40002, mov al, [PAGES + 1]
  ALIGN "ac: qword", 3, 0x40002, fld qword [PAGES + 4]
  ALIGN "ac: write", 3, 0x40002, mov [PAGES + 2], eax
  ALIGN "ac: rmw", 3, 0x40002, add [PAGES + 2], eax
  ALIGN "ac: push", 3, 0x40002, call odd_push
  mov eax, cr0
  and eax, ~0x40000
  mov cr0, eax
  ; QEMU TCG takes VIF and VIP from the frame at CPL 3 and cannot get rid of them: last.
  IRET_SAME "iret cpl 3 iopl 0 VIF VIP", 2, 0x180002
  ; QEMU TCG allows these and is lost: last.
  CR4_CASE "cr4: bit 15", 0x8000
  CR4_CASE "cr4: bit 31", 0x80000000
  CR0_CASE "cr0: PG without PE", 0x80000000, 1
  FINISH

divide_unmasked:
  ldmxcsr [mxcsr_unmasked]
  xorps xmm1, xmm1
  movaps xmm0, [ones]
  divps xmm0, xmm1
  ret
odd_push:
  mov esp, STACK3 - 6
  push eax
  ret

section .data
align 16
ones: dd 1.0, 1.0, 1.0, 1.0
mxcsr_default: dd 0x1F80
mxcsr_unmasked: dd 0x1D80
mxcsr_bad: dd 0x80001F80
control_unmasked: dw 0x37B
