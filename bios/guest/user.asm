; SPDX-License-Identifier: MIT
; The two programs. Each is copied to a page of its own at USER_BASE and runs there in ring 3: it may
; not touch the kernel, nor see the other, and never gives up the cpu by itself.

%macro PROGRAM 2                ; label, name
%1:     mov r12d, '1'
.line:  push r12                ; the digit, on our own stack, is a string too
        lea rdi, [rel .name]
        call .write
        mov rdi, rsp
        call .write
        lea rdi, [rel .end]
        call .write
        pop r12
        mov eax, 2              ; ticks
        int SYSCALL_VECTOR
        lea r13, [rax + TICKS_PER_SECOND / 10]
.spin:  mov ecx, 1000           ; compute for a tenth of a second; the timer takes the cpu away
        loop $
        mov eax, 2
        int SYSCALL_VECTOR
        cmp rax, r13
        jb .spin
        inc r12d
        cmp r12d, '3'
        jbe .line
        mov eax, 3              ; exit
        int SYSCALL_VECTOR
.write: mov eax, 1
        int SYSCALL_VECTOR
        ret
.name:  db "  process ", %2, ": step ", 0
.end:   db " of 3", 13, 10, 0
%endmacro

PROGRAM program_a, "A"
PROGRAM program_b, "B"
programs_end:
