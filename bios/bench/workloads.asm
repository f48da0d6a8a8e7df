; SPDX-License-Identifier: MIT
; The workloads, included once for each RING. All registers but R15 = units and RSP are 0 at the entry; the
; code runs at USER_CODE_AT, so it knows no address of the kernel but by the macros below. What is left in RBX,
; RDX, RSI, RDI, RBP, R8 to R10, R12 to R15, in RFLAGS and in the data is hashed.
; Where ring 3 needs the kernel, ring 0 runs the same instructions itself.

%ifndef BENCH_MACROS
%define BENCH_MACROS
%macro STAMP 1                  ; the time to this place of the shared page
        rdtsc
        shl rdx, 32
        or rax, rdx
        mov rcx, %1
        mov [rcx], rax
%endmacro
%macro FINISH 0
        STAMP TIME_END
        xor edx, edx
%if RING == 0
        pushfq
        pop r11
        cli
        mov rax, finish
        jmp rax
%else
        int3
%endif
%endmacro
%macro CODE 1                   ; the entry of a workload
%1 %+ _ %+ RING:
        STAMP TIME_START
%endmacro
%endif

        CODE integer
        mov rbx, 0x9E3779B97F4A7C15
.loop:  mov rax, rbx
        shl rax, 13
        xor rbx, rax
        mov rax, rbx
        shr rax, 7
        xor rbx, rax
        mov rax, rbx
        shl rax, 17
        xor rbx, rax
        add rsi, rbx
        dec r15
        jnz .loop
        FINISH

        CODE memory
        mov rdi, USER_DATA_AT
        mov rbx, 0x5851F42D4C957F2D
        mov r8, rbx
.loop:  imul rbx, r8
        inc rbx
        mov rax, rbx
        shr rax, 40
        and eax, 0x7FF8
        add [rdi + rax], rbx
        xor eax, 0x2A50
        add rsi, [rdi + rax]
        dec r15
        jnz .loop
        FINISH

        CODE system_call
%if RING == 3
.loop:  xor eax, eax            ; SERVICE_NOTHING
        syscall
        dec r15
        jnz .loop
%endif
        FINISH

        CODE interrupt_gate
.loop:  int SYSCALL_VECTOR
        dec r15
        jnz .loop
        FINISH

        CODE page_fault
        mov rdi, USER_WINDOW
        mov esi, 1              ; page 0 is the one that counts as mapped
.loop:  mov eax, esi
        shl eax, 12
        add [rdi + rax], r15
        inc esi
        and esi, WINDOW_PAGES - 1
        dec r15
        jnz .loop
        FINISH

        CODE context_switch
        mov rdi, USER_PRIVATE
        mov rdx, pml4
        mov r8, pml4
        mov r9, pml4_b
        xor r8, r9
.loop:  xor rdx, r8
%if RING == 0
        mov cr3, rdx
%else
        mov eax, SERVICE_LOAD_CR3
        syscall
%endif
        add rbx, [rdi]
        inc qword [rdi]
        dec r15
        jnz .loop
        FINISH

        CODE port_out
.loop:  mov eax, r15d
        out 0x80, al
        dec r15
        jnz .loop
        FINISH

        CODE port_in
        mov al, 0x0F            ; CMOS: shutdown status
        out 0x70, al
.loop:  in al, 0x71
        dec r15
        jnz .loop
        FINISH

        CODE mmio
        mov rsi, USER_HPET
.loop:  mov eax, [rsi]          ; capabilities: constant
        dec r15
        jnz .loop
        FINISH

        CODE timer_interrupt
        mov rsi, USER_LAPIC
        mov rdi, TICKS
        mov qword [rdi], 0
        mov dword [rsi + 0x320], TIMER_VECTOR   ; one shot, not masked
.loop:  inc rbx
        mov dword [rsi + 0x380], 1              ; initial count: fires at once
.wait:  cmp [rdi], rbx
        jne .wait
        dec r15
        jnz .loop
        mov dword [rsi + 0x320], (1 << 16) | TIMER_VECTOR
        test r15, r15
        FINISH

        CODE cpuid
.loop:  xor eax, eax
        cpuid
        dec r15
        jnz .loop
        xor ebx, ebx            ; the vendor's name
        FINISH

        CODE popf
.loop:  pushfq
        popfq
        dec r15
        jnz .loop
        FINISH

        CODE cli_sti
.loop:  cli
        sti
        dec r15
        jnz .loop
        FINISH

        CODE page_table
        mov rdi, USER_REMAP
        mov r8, data + 7
        mov rdx, r8
%if RING == 0
        mov r9, user_table + (USER_REMAP - USER_BASE) / 512
%endif
.loop:  xor rdx, 1 << 12
%if RING == 0
        mov [r9], rdx
        invlpg [rdi]
%else
        mov eax, SERVICE_REMAP
        syscall
%endif
        inc qword [rdi]
        add rbx, [rdi]
        dec r15
        jnz .loop
        xor r9d, r9d
        FINISH

        CODE self_modify
        lea rdi, [rel patched_ %+ RING]
.loop:  imul esi, esi, 5
        inc esi
        mov [rdi + 1], esi
        call rdi
        add rbx, rax
        dec r15
        jnz .loop
        xor edi, edi
        FINISH

; A page of its own, so that only writes to it are writes to code.
align 4096
patched_ %+ RING:
        mov eax, 0
        ret
align 4096
