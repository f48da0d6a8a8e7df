; SPDX-License-Identifier: MIT
; The prompt: reads a line, looks it up, calls the command.

LINE_SIZE equ 64

shell:
        mov rsi, welcome
        call puts
.prompt:
        mov rsi, prompt_text
        call puts
        call read_line
        cmp byte [line], 0
        je .prompt
        mov rbx, commands
.next:  mov rsi, [rbx]          ; name
        test rsi, rsi
        jz .unknown
        mov rdi, line
        call same_string
        je .found
        add rbx, 16
        jmp .next
.found: call [rbx + 8]
        jmp .prompt
.unknown:
        mov rsi, unknown_text
        call puts
        jmp .prompt

; A line with echo and backspace into `line`; more than it holds is dropped.
read_line:
        xor r12d, r12d
.next:  call getc
        cmp al, 13
        je .done
        cmp al, 10
        je .done
        cmp al, 8
        je .erase
        cmp al, 127
        je .erase
        cmp al, ' '
        jb .next
        cmp r12d, LINE_SIZE - 1
        jae .next
        mov [line + r12], al
        inc r12d
        call putc
        jmp .next
.erase: test r12d, r12d
        jz .next
        dec r12d
        mov rsi, erase_text
        call puts
        jmp .next
.done:  mov byte [line + r12], 0
        jmp new_line

same_string:                    ; ZF if the strings at RSI and RDI are equal
        lodsb
        scasb
        jne .done
        test al, al
        jnz same_string
.done:  ret

command_help:
        mov rsi, help_text
        jmp puts

; Ticks each task was seen running, and whether it lives.
command_ps:
        mov r12, tasks
        xor r13d, r13d
.next:  mov rax, r13
        call put_decimal
        mov rsi, [task_names + r13 * 8]
        call puts
        mov rax, [r12 + TASK.ticks]
        call put_decimal
        mov rsi, alive_text
        cmp qword [r12 + TASK.alive], 0
        jne .print
        mov rsi, ended_text
.print: call puts
        inc r13d
        add r12, TASK_size
        cmp r12, tasks_end
        jb .next
        ret

; The clock chip's time, in BCD, read when no update is in progress; then our own ticks.
command_time:
        mov al, 10
        call read_cmos
        test al, 0x80
        jnz command_time
        mov al, 4               ; hours
        call .field
        mov al, ':'
        call putc
        mov al, 2               ; minutes
        call .field
        mov al, ':'
        call putc
        mov al, 0               ; seconds
        call .field
        mov rsi, up_text
        call puts
        mov rax, [ticks]
        call put_decimal
        mov rsi, ticks_text
        jmp puts
.field: call read_cmos
        mov ah, al
        shr al, 4
        add al, '0'
        call putc
        mov al, ah
        and al, 15
        add al, '0'
        jmp putc

read_cmos:                      ; AL = register; value to AL
        out 0x70, al
        in al, 0x71
        ret

; The memory map that the loader gave us (Multiboot information, offsets 44 and 48).
command_mem:
        mov ebx, [multiboot_info]
        mov r12d, [rbx + 48]
        mov r13d, [rbx + 44]
        add r13, r12
.next:  cmp r12, r13
        jae .done
        mov rax, [r12 + 4]      ; base
        call put_hex
        mov al, ' '
        call putc
        mov rax, [r12 + 12]     ; length
        call put_hex
        mov rsi, ram_text
        cmp dword [r12 + 20], 1
        je .print
        mov rsi, reserved_text
.print: call puts
        mov eax, [r12]          ; the size field does not count itself
        lea r12, [r12 + rax + 4]
        jmp .next
.done:  ret

; Vendor (leaf 0) and brand string (leaves 80000002h-80000004h).
command_cpuid:
        xor eax, eax
        cpuid
        mov [cpuid_text], ebx
        mov [cpuid_text + 4], edx
        mov [cpuid_text + 8], ecx
        mov byte [cpuid_text + 12], 0
        mov rsi, cpuid_text
        call puts
        call new_line
        mov eax, 0x80000000
        cpuid
        cmp eax, 0x80000004
        jb .done
        mov rdi, cpuid_text
        mov r12d, 0x80000002
.leaf:  mov eax, r12d
        cpuid
        mov [rdi], eax
        mov [rdi + 4], ebx
        mov [rdi + 8], ecx
        mov [rdi + 12], edx
        add rdi, 16
        inc r12d
        cmp r12d, 0x80000004
        jbe .leaf
        mov rsi, cpuid_text
        call puts
        call new_line
.done:  ret

; The reset control register: bit 1 a full reset, bit 2 does it.
command_reboot:
        mov dx, 0xCF9
        mov al, 6
        out dx, al
        jmp halt

; ACPI: PM1a_CNT with SLP_EN (bit 13) and SLP_TYP 0, which is S5 on this board.
command_poweroff:
        mov dx, 0x604
        mov ax, 1 << 13
        out dx, ax
halt:   hlt
        jmp halt

align 8
commands:
        dq .help, command_help, .run, run_processes, .ps, command_ps, .time, command_time
        dq .mem, command_mem, .cpuid, command_cpuid, .reboot, command_reboot
        dq .poweroff, command_poweroff, 0
.help:  db "help", 0
.run:   db "run", 0
.ps:    db "ps", 0
.time:  db "time", 0
.mem:   db "mem", 0
.cpuid: db "cpuid", 0
.reboot: db "reboot", 0
.poweroff: db "poweroff", 0

align 8
task_names: dq .shell, .a, .b
.shell: db " shell      ", 0
.a:     db " process A  ", 0
.b:     db " process B  ", 0
line:   times LINE_SIZE db 0
cpuid_text: times 49 db 0
welcome: db "both processes ended; type help", 13, 10, 0
prompt_text: db "> ", 0
unknown_text: db "no such command; type help", 13, 10, 0
erase_text: db 8, ' ', 8, 0
alive_text: db " ticks, alive", 13, 10, 0
ended_text: db " ticks, ended", 13, 10, 0
up_text: db ", up ", 0
ticks_text: db " ticks", 13, 10, 0
ram_text: db " RAM", 13, 10, 0
reserved_text: db " reserved", 13, 10, 0
help_text: db "run ps time mem cpuid reboot poweroff", 13, 10, 0
