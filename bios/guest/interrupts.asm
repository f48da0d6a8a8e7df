; SPDX-License-Identifier: MIT
; All 256 vectors lead through one frame to one dispatcher. The dispatcher returns the stack to leave
; by: the same one, or another task's. That is the whole task switch.

SYSCALL_VECTOR equ 0x80
TIMER_VECTOR equ 0x20
SERIAL_VECTOR equ 0x24

; The frame as it lies on the kernel stack: pushed registers, then what the cpu pushed.
struc FRAME
        resq 9                  ; r15 to r8, rbp
.rdi:   resq 1
        resq 4                  ; rsi, rdx, rcx, rbx
.rax:   resq 1
.vector: resq 1
.error: resq 1
.rip:   resq 1
.cs:    resq 1
.rflags: resq 1
.rsp:   resq 1
.ss:    resq 1
endstruc

; 16 bytes of code for each vector. Where the cpu pushes no error code, we push a zero.
STUB_SIZE equ 16
HAS_ERROR equ (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 17) | (1 << 21)
align 16
stubs:
%assign vector 0
%rep 256
align STUB_SIZE
%if vector >= 32 || ((HAS_ERROR >> vector) & 1) == 0
        push 0
%endif
        push strict dword vector
        jmp near common_entry
%assign vector vector + 1
%endrep

common_entry:
        cld
%macro PUSH 1-*
%rep %0
        push %1
%rotate 1
%endrep
%endmacro
%macro POP 1-*
%rep %0
%rotate -1
        pop %1
%endrep
%endmacro
%define REGISTERS rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
        PUSH REGISTERS
        mov rdi, rsp
        call dispatch           ; RDI = frame; RAX = the frame to return through
        mov rsp, rax
        POP REGISTERS
        add rsp, 16             ; vector and error code
        iretq

dispatch:
        mov rax, [rdi + FRAME.vector]
        cmp rax, TIMER_VECTOR
        je on_timer
        cmp rax, SERIAL_VECTOR
        je on_serial
        cmp rax, SYSCALL_VECTOR
        je on_syscall
        cmp rax, 32
        jb on_exception
        mov rax, rdi            ; spurious: nothing to do
        ret

on_serial:
        call serial_receive
        mov al, 0x20            ; end of interrupt
        out 0x20, al
        mov rax, rdi
        ret

; A process that faults is ended; a fault of the kernel itself ends everything.
on_exception:
        mov rbx, rdi
        mov rsi, exception_text
        call puts
        mov rax, [rbx + FRAME.vector]
        call put_decimal
        mov rsi, at_text
        call puts
        mov rax, [rbx + FRAME.rip]
        call put_hex
        call new_line
        mov rdi, rbx
        test byte [rbx + FRAME.cs], 3
        jnz end_process
.stop:  cli
        hlt
        jmp .stop

; Interrupt gates to the stubs (type Eh, present); only the system call may be called from ring 3.
build_idt:
        mov rdi, idt
        mov rax, stubs
        mov ecx, 256
.next:  mov edx, KERNEL_CODE64 << 16
        mov dx, ax
        mov [rdi], edx                  ; offset 15:0, selector
        mov edx, eax
        mov dx, 0x8E00
        mov [rdi + 4], edx              ; P, DPL 0, type; offset 31:16
        add rdi, 16                     ; offset 63:32 stays 0
        add rax, STUB_SIZE
        loop .next
        or byte [idt + SYSCALL_VECTOR * 16 + 5], 3 << 5
        lidt [idt_pointer]
        ret

idt_pointer:
        dw 256 * 16 - 1
        dq idt
exception_text: db "exception ", 0
at_text: db " at ", 0
