; SPDX-License-Identifier: MIT
; Two processes, each with an address space and a kernel stack of its own, and the shell, which runs
; when no process does. Round robin, one timer tick each.

PROCESSES equ 2
; Per process: PML4, PDPT, page directory, page table, code page, stack page, kernel stack.
PROCESS_PAGES equ 7
USER_BASE equ 1 << 39           ; entry 1 of the PML4: code page, then the stack page
USER_STACK_TOP equ USER_BASE + 2 * 4096
USER_LIMIT equ USER_STACK_TOP

struc TASK
.frame: resq 1                  ; where its registers lie while it does not run
.cr3:   resq 1
.rsp0:  resq 1                  ; its kernel stack
.ticks: resq 1                  ; timer ticks that found it running
.alive: resq 1
endstruc

; Task 0 is the shell: it has no pages of its own and always lives.
align 8
tasks:  dq 0, pml4, kernel_stack_top, 0, 1
        times PROCESSES * TASK_size / 8 dq 0
tasks_end:
current: dq tasks
ticks:  dq 0

; Builds both processes and lets them run; returns when both have ended.
run_processes:
        cli                     ; both are to start together
        mov rbx, tasks + TASK_size
        mov rbp, process_tables
        mov rsi, program_a
        mov rdx, program_b - program_a
        call create_process
        mov rsi, program_b
        mov rdx, programs_end - program_b
        call create_process
.wait:  sti
        hlt                     ; the next tick switches away
        xor eax, eax
        or rax, [tasks + TASK_size + TASK.alive]
        or rax, [tasks + 2 * TASK_size + TASK.alive]
        jnz .wait
        ret

; RBX = task, RBP = its pages, RSI and RDX = program; advances RBX and RBP to the next process.
create_process:
        mov rdi, rbp            ; clear what an earlier run left
        mov ecx, PROCESS_PAGES * 4096 / 8
        xor eax, eax
        rep stosq
        mov rax, [pml4]         ; entry 0: the kernel, the same in every address space
        mov [rbp], rax
        lea rax, [rbp + 1 * 4096 + 7]   ; P, RW, U all the way down to the pages
        mov [rbp + 8], rax
        lea rax, [rbp + 2 * 4096 + 7]
        mov [rbp + 1 * 4096], rax
        lea rax, [rbp + 3 * 4096 + 7]
        mov [rbp + 2 * 4096], rax
        lea rax, [rbp + 4 * 4096 + 5]   ; code: P, U, read-only
        mov [rbp + 3 * 4096], rax
        lea rax, [rbp + 5 * 4096 + 7]   ; stack: P, RW, U
        bts rax, 63                     ; and not executable
        mov [rbp + 3 * 4096 + 8], rax
        lea rdi, [rbp + 4 * 4096]
        mov rcx, rdx
        rep movsb
        ; A frame on its kernel stack, as if it had just been interrupted at its first instruction.
        lea rdi, [rbp + 7 * 4096 - FRAME_size]
        mov rax, USER_BASE
        mov [rdi + FRAME.rip], rax
        mov qword [rdi + FRAME.cs], USER_CODE64
        mov qword [rdi + FRAME.rflags], 1 << 9          ; IF
        mov rax, USER_STACK_TOP
        mov [rdi + FRAME.rsp], rax
        mov qword [rdi + FRAME.ss], USER_DATA
        mov [rbx + TASK.frame], rdi
        mov [rbx + TASK.cr3], rbp
        lea rax, [rbp + 7 * 4096]
        mov [rbx + TASK.rsp0], rax
        mov qword [rbx + TASK.ticks], 0
        mov qword [rbx + TASK.alive], 1
        add rbx, TASK_size
        add rbp, PROCESS_PAGES * 4096
        ret

on_timer:
        inc qword [ticks]
        mov rax, [current]
        inc qword [rax + TASK.ticks]
        mov al, 0x20            ; end of interrupt
        out 0x20, al
; RDI = the frame of the task that stops running; RAX = the frame of the one that goes on.
schedule:
        mov rbx, [current]
        mov [rbx + TASK.frame], rdi
        mov ecx, PROCESSES
.next:  add rbx, TASK_size
        cmp rbx, tasks_end
        jb .check
        mov rbx, tasks + TASK_size      ; after the last process, the first one
.check: cmp qword [rbx + TASK.alive], 0
        jne .found
        loop .next
        mov rbx, tasks                  ; no process: the shell
.found: mov [current], rbx
        mov rax, [rbx + TASK.rsp0]
        mov [tss + 4], rax
        mov rax, [rbx + TASK.cr3]
        mov cr3, rax
        mov rax, [rbx + TASK.frame]
        ret

end_process:
        mov rax, [current]
        mov qword [rax + TASK.alive], 0
        jmp schedule

; System calls, INT 80h: RAX = 1 write the string at RDI, 2 ticks to RAX, 3 exit.
on_syscall:
        mov rax, [rdi + FRAME.rax]
        cmp rax, 3
        je end_process
        cmp rax, 2
        je .ticks
        cmp rax, 1
        je .write
.fail:  mov qword [rdi + FRAME.rax], -1
        mov rax, rdi
        ret
.ticks: mov rax, [ticks]
        mov [rdi + FRAME.rax], rax
        mov rax, rdi
        ret
.write: mov rsi, [rdi + FRAME.rdi]
        mov rcx, USER_LIMIT
.more:  mov rax, USER_BASE              ; a process may only name its own pages
        cmp rsi, rax
        jb .fail
        cmp rsi, rcx
        jae .fail
        lodsb
        test al, al
        jz .done
        call putc
        jmp .more
.done:  mov rax, rdi
        ret
