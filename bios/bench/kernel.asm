; SPDX-License-Identifier: MIT
; The kernel's side of the workloads: what enters and leaves them, and what their events reach.

; Runs every workload that has units, first in ring 0, then in ring 3.
run_all:
        mov rbx, table
        mov r12, parameters
.next:  mov r13, [r12]
        test r13, r13
        jz .user
        mov r14, [rbx + 8]
        xor ebp, ebp
        call measure
.user:  mov r13, [r12 + 8]
        test r13, r13
        jz .skip
        mov r14, [rbx + 16]
        mov ebp, 3
        call measure
.skip:  add rbx, 24
        add r12, 16
        cmp rbx, table_end
        jb .next
        jmp power_off

; RBX = row of the table, R13 = units, R14 = code, EBP = ring: a short run that warms up, then the one that
; counts, then its line.
measure:
        mov r15, r13
        shr r15, 3
        inc r15
        call run
        mov r15, r13
        call run
        jmp report              ; and return from there

; Runs R15 units of R14 in ring EBP, on zeroed memory and zeroed registers.
run:    push rbx
        push rbp
        push r12
        push r13
        push r14
        mov edi, data
        mov ecx, DATA_PAGES * 4096 / 8
        xor eax, eax
        rep stosq
        mov [window_last], rax
        mov edi, user_table + (USER_WINDOW - USER_BASE) / 512
        mov ecx, WINDOW_PAGES
        rep stosq
        mov cr2, rax
        mov rax, cr3
        mov cr3, rax
        mov [kernel_rsp], rsp
        mov rcx, USER_STACK_TOP
        test ebp, ebp
        jz .ring0
        push USER_DATA
        push rcx
        push RFLAGS_RUN
        push USER_CODE
        push r14
        call .clear
        iretq
.ring0: mov [ring0_code], r14
        mov rsp, rcx
        call .clear
        push RFLAGS_RUN
        popfq
        jmp [ring0_code]
.clear: xor eax, eax
%macro CLEAR 1-*
%rep %0
        xor %1, %1
%rotate 1
%endrep
%endmacro
        CLEAR ebx, ecx, edx, esi, edi, ebp, r8d, r9d, r10d, r11d, r12d, r13d, r14d
        ret

; From ring 3: RCX = its RIP, R11 = its RFLAGS; the stack stays its own.
syscall_entry:
        cmp eax, SERVICE_REMAP
        je .remap
        test eax, eax
        jz .done
        mov cr3, rdx
.done:  o64 sysret
.remap: mov [user_table + (USER_REMAP - USER_BASE) / 512], rdx
        mov rax, USER_REMAP
        invlpg [rax]
        o64 sysret

; The end of a workload in ring 3.
on_finish:
        add rsp, 16                     ; RIP, CS
        pop r11
        pop rsp
; The same from either ring: registers, R11 = RFLAGS.
finish:
        mov [result + 8], rbx
        mov [result + 2 * 8], rdx
        mov [result + 3 * 8], rsi
        mov [result + 4 * 8], rdi
        mov [result + 5 * 8], rbp
        mov [result + 6 * 8], rsp
        mov [result + 7 * 8], r8
        mov [result + 8 * 8], r9
        mov [result + 9 * 8], r10
        and r11, ~0x13010       ; without RF, AF, which logic leaves undefined, and IOPL, which KVM-PVM drops
        mov [result + 10 * 8], r11
        mov [result + 11 * 8], r12
        mov [result + 12 * 8], r13
        mov [result + 13 * 8], r14
        mov [result + 14 * 8], r15
        mov rax, cr3
        sub rax, pml4           ; which of the two spaces
        mov [result + 15 * 8], rax
        mov rax, cr2
        mov [result], rax
        mov rsp, [kernel_rsp]
        mov eax, pml4
        mov cr3, rax
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        ret

on_gate:
        iretq

; The touched page of the window is mapped, the one before it goes.
on_page_fault:
        push rax
        push rdi
        mov rdi, cr2
        mov rax, USER_WINDOW
        sub rdi, rax
        cmp rdi, WINDOW_PAGES * 4096
        jae .fatal
        shr edi, 12
        mov eax, edi
        and eax, 3
        shl eax, 12
        add eax, data + 7
        mov [user_table + (USER_WINDOW - USER_BASE) / 512 + rdi * 8], rax
        xchg rdi, [window_last]
        cmp rdi, [window_last]
        je .done
        and qword [user_table + (USER_WINDOW - USER_BASE) / 512 + rdi * 8], 0
        shl edi, 12
        mov rax, USER_WINDOW
        invlpg [rax + rdi]
.done:  pop rdi
        pop rax
        add rsp, 8              ; error code
        iretq
.fatal: pop rdi
        pop rax
        push 14
        jmp fatal

on_timer:
        push rax
        mov rax, TICKS
        inc qword [rax]
        mov rax, USER_LAPIC
        mov dword [rax + 0xB0], 0       ; EOI
        pop rax
        iretq

; Nothing else is expected: it is told with the stack's top, which is RIP, or an error code and RIP.
%assign vector 0
%rep 32
on_exception_ %+ vector:
        push strict dword vector
        jmp near fatal
%assign vector vector + 1
%endrep

%macro GATE 2                   ; handler, DPL
        dw (%1 - start16 + BASE) & 0xFFFF, BENCH_CODE
        db 0, 0x8E | (%2 << 5)          ; interrupt gate
        dw (%1 - start16 + BASE) >> 16
        dq 0
%endmacro
align 8
idt:
%assign vector 0
%rep 32
%if vector == 14
        GATE on_page_fault, 0
%elif vector == FINISH_VECTOR
        GATE on_finish, 3
%else
        GATE on_exception_ %+ vector, 0
%endif
%assign vector vector + 1
%endrep
        times (TIMER_VECTOR - 32) * 16 db 0
        GATE on_timer, 0
        times (SYSCALL_VECTOR - TIMER_VECTOR - 1) * 16 db 0
        GATE on_gate, 3
idt_end:
idt_pointer:
        dw idt_end - idt - 1
        dq idt
kernel_rsp: dq 0
ring0_code: dq 0

; For each workload: its name, its code for ring 0 and for ring 3.
%macro TABLE_ROW 1
        dq name_ %+ %1
        dq USER_CODE_AT + (%1 %+ _0 - user_code)
        dq USER_CODE_AT + (%1 %+ _3 - user_code)
%endmacro
%define WORKLOAD(name, units0, units3, what) TABLE_ROW name
align 8
table:
%include "workloads.def"
table_end:
