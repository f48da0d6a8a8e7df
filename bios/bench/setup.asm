; SPDX-License-Identifier: MIT
; What boot.asm leaves is 64-bit mode with the first GiB mapped to itself, for ring 0. Here follow our own
; descriptor tables, the pages of the workloads in two address spaces, SYSCALL, and the clock.

bits 64
long_mode:
        lgdt [bench_gdt_pointer]
        mov ax, BENCH_DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov rsp, kernel_stack_top
        push BENCH_CODE
        mov rax, .flushed
        push rax
        o64 retf
.flushed:
        xor eax, eax
        mov fs, ax
        mov gs, ax
        mov eax, 0x80010033     ; PG, WP, NE, ET, MP, PE
        mov cr0, rax
        mov eax, 1 << 5         ; PAE and nothing else
        mov cr4, rax
        call load_tables
        call build_user_pages
        call set_msrs
        call start_devices
        call measure_clock
        jmp run_all

load_tables:
        mov rax, tss            ; base: bits 15:0, 23:16, 31:24 of the descriptor
        mov [bench_gdt_tss + 2], ax
        shr rax, 16
        mov [bench_gdt_tss + 4], al
        mov [bench_gdt_tss + 7], ah
        mov rax, interrupt_stack_top
        mov [tss + 4], rax      ; RSP0
        mov word [tss + 102], 104       ; I/O permission bitmap: all of them, where IOPL is not kept
        mov byte [tss + 104 + IO_BITMAP_BYTES - 1], 0xFF
        mov ax, TSS_SELECTOR
        ltr ax
        lidt [idt_pointer]
        ret

; Both address spaces: the kernel's first GiB, and the workloads' pages, of which one differs.
build_user_pages:
        mov rax, [pml4]
        mov [pml4_b], rax
        mov ebx, pml4
        mov ebp, user_tables
        mov esi, data + 2 * 4096
        call .space
        mov ebx, pml4_b
        mov ebp, user_tables_b
        mov esi, data + 3 * 4096
        call .space
        mov eax, pml4           ; what is mapped now may be cached
        mov cr3, rax
        ret
; RBX = PML4, RBP = three tables, RSI = the private page.
.space: lea rax, [rbp + 7]              ; P, RW, U
        mov [rbx + 8], rax
        lea rax, [rbp + 4096 + 7]
        mov [rbp], rax
        lea rax, [rbp + 2 * 4096 + 7]
        mov [rbp + 4096], rax
        add ebp, 2 * 4096
        mov eax, user_code + 7
        mov edi, USER_CODE_AT - USER_BASE
        mov ecx, CODE_PAGES
        call .map
        mov eax, data + 7
        mov edi, USER_DATA_AT - USER_BASE
        mov ecx, DATA_PAGES
        call .map
        mov eax, user_stack + 7
        mov edi, USER_STACK_TOP - USER_BASE - 4096
        call .one
        mov eax, shared + 7
        mov edi, USER_SHARED - USER_BASE
        call .one
        lea eax, [rsi + 7]
        mov edi, USER_PRIVATE - USER_BASE
        call .one
        mov eax, data + 7
        mov edi, USER_REMAP - USER_BASE
        call .one
        mov eax, 0xFED00000 + 0x1F      ; PCD and PWT: device memory
        mov edi, USER_HPET - USER_BASE
        call .one
        mov eax, 0xFEE00000 + 0x1F
        mov edi, USER_LAPIC - USER_BASE
.one:   mov ecx, 1
; EAX = the first entry, EDI = offset in the 2 MiB that the table spans, ECX = pages.
.map:   shr edi, 9
.next:  mov [rbp + rdi], rax
        add eax, 4096
        add edi, 8
        dec ecx
        jnz .next
        ret

%macro WRMSR 3                  ; index, high half, low half
        mov ecx, %1
        mov edx, %2
        mov eax, %3
        wrmsr
%endmacro
set_msrs:
        ; SYSCALL loads CS from STAR[47:32] and SS behind it; SYSRET takes SS and CS behind STAR[63:48].
        WRMSR 0xC0000081, ((USER_DATA - 8) << 16) | BENCH_CODE, 0
        WRMSR 0xC0000082, 0, syscall_entry      ; LSTAR
        WRMSR 0xC0000084, 0, 0x700              ; FMASK: IF, DF, TF
        WRMSR 0xC0000080, 0, 0xD01              ; EFER: NXE, LMA, LME, SCE
        ret

; The 8259s are masked; the HPET counts; the local APIC has its timer ready for one shot at a time.
start_devices:
        mov al, 0xFF
        out 0x21, al
        out 0xA1, al
        mov rsi, USER_HPET
        mov eax, [rsi + 4]
        mov [hpet_period], rax
        mov dword [rsi + 0x10], 1       ; ENABLE_CNF
        mov rsi, USER_LAPIC
        mov dword [rsi + 0xF0], 0x1FF   ; enabled, spurious vector FFh
        mov dword [rsi + 0x80], 0       ; TPR
        mov dword [rsi + 0x3E0], 0xB    ; divide by 1
        mov dword [rsi + 0x320], (1 << 16) | TIMER_VECTOR
        ret

; 20 ms of HPET time in cycles.
CLOCK_NS equ 20000000
measure_clock:
        mov rsi, USER_HPET
        mov rax, CLOCK_NS * 1000000
        xor edx, edx
        div qword [hpet_period]
        mov rbp, rax                    ; ticks to wait
        mov edi, [rsi + 0xF0]
        rdtsc
        mov r8d, eax
        mov r9d, edx
.wait:  mov ebx, [rsi + 0xF0]
        rdtsc
        mov ecx, ebx
        sub ecx, edi
        cmp ecx, ebp
        jb .wait
        shl rdx, 32
        or rax, rdx
        shl r9, 32
        or r8, r9
        sub rax, r8
        mov r10, rax                    ; cycles
        mov eax, ecx
        mul qword [hpet_period]
        mov rcx, 1000000
        div rcx                         ; nanoseconds
        mov rdx, rax
        shl rax, 32
        shr rdx, 32
        div r10
        mov [ns_scale], rax
        ret

align 8
bench_gdt:
        dq 0
        dq 0x00AF9B000000FFFF   ; 08 kernel code, 64-bit
        dq 0x00CF93000000FFFF   ; 10 kernel data
        dq 0x00CFF3000000FFFF   ; 18 user data
        dq 0x00AFFB000000FFFF   ; 20 user code, 64-bit
bench_gdt_tss:
        dq 0x0000890000000000 + 103 + IO_BITMAP_BYTES, 0        ; 28 TSS; its base is filled in
bench_gdt_end:
bench_gdt_pointer:
        dw bench_gdt_end - bench_gdt - 1
        dq bench_gdt
