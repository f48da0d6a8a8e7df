; SPDX-License-Identifier: MIT
; 64-bit mode: descriptor tables, interrupt controller, timer; then the two processes and the shell.

bits 64
long_mode:
        mov ax, KERNEL_DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        xor eax, eax
        mov fs, ax
        mov gs, ax
        mov rsp, kernel_stack_top
        mov rsi, hello64
        call puts
        call load_gdt_and_tss
        call build_idt
        call init_devices
        call run_processes
        jmp shell

; The GDT again, now with a 64-bit base; the TSS gives the stack for entries from ring 3.
load_gdt_and_tss:
        mov rax, tss            ; base: bits 15:0, 23:16, 31:24 of the descriptor, then bits 63:32
        mov [gdt_tss + 2], ax
        shr rax, 16
        mov [gdt_tss + 4], al
        mov [gdt_tss + 7], ah
        mov word [tss + 102], 104       ; no I/O permission bitmap
        lgdt [gdt_pointer]
        mov ax, TSS_SELECTOR
        ltr ax
        ret

; Device set-up as a table: port, value; a zero ends it.
init_devices:
        mov rsi, .table
.next:  movzx edx, word [rsi]
        test edx, edx
        jz .done
        mov al, [rsi + 2]
        out dx, al
        add rsi, 3
        jmp .next
.done:  ret

%macro OUT 2
        dw %1
        db (%2) & 0xFF
%endmacro
.table: ; 8259 pair: vectors 20h-2Fh, clear of the exceptions.
        OUT 0x20, 0x11          ; ICW1: cascade, ICW4 follows
        OUT 0xA0, 0x11
        OUT 0x21, 0x20          ; ICW2: vector of IRQ 0 and of IRQ 8
        OUT 0xA1, 0x28
        OUT 0x21, 4             ; ICW3: the slave hangs at IRQ 2
        OUT 0xA1, 2
        OUT 0x21, 1             ; ICW4: 8086 mode
        OUT 0xA1, 1
        OUT 0x21, ~((1 << 0) | (1 << 4))        ; only the timer and COM1 are let through
        OUT 0xA1, ~0
        ; 8254 counter 0, mode 2, from its 1,193,182 Hz clock.
        OUT 0x43, 0x34
        OUT 0x40, 1193182 / TICKS_PER_SECOND
        OUT 0x40, 1193182 / TICKS_PER_SECOND >> 8
        ; 16550 at COM1: 115200 baud, 8N1, FIFO on, interrupt on received data.
        OUT COM1 + 3, 0x80      ; divisor latch open
        OUT COM1 + 0, 1
        OUT COM1 + 1, 0
        OUT COM1 + 3, 3
        OUT COM1 + 2, 7
        OUT COM1 + 4, 0x0B      ; DTR, RTS; OUT2 connects the interrupt line
        OUT COM1 + 1, 1
        dw 0

hello64: db "hello from long mode", 13, 10, 0
