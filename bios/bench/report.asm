; SPDX-License-Identifier: MIT
; The line of a workload: what it took, and the hash of what it left.

; RBX = row of the table, R13 = units, EBP = ring.
report:
        mov rsi, text_name
        call puts
        mov rsi, [rbx]
        call puts
        mov rsi, text_ring
        mov eax, ebp
        call .number
        mov rsi, text_units
        mov rax, r13
        call .number
        mov rsi, text_cycles
        mov rax, [shared + TIME_END - USER_SHARED]
        sub rax, [shared + TIME_START - USER_SHARED]
        mov r15, rax
        call .number
        mov rsi, text_ns
        mov rax, r15
        mul qword [ns_scale]
        shrd rax, rdx, 32
        call .number
        mov rsi, text_hash
        push rbx
        call puts
        call state_hash
        call put_hex
        call new_line
        pop rbx
        ret
.number:
        push rbx
        push rax
        call puts
        pop rax
        call put_decimal
        pop rbx
        ret

; RAX = FNV-1a by 64-bit words over the registers, then the data.
state_hash:
        mov rax, 0xCBF29CE484222325
        mov rdx, 0x100000001B3
        mov esi, result
        mov ecx, 16
        call .words
        mov esi, data
        mov ecx, DATA_PAGES * 4096 / 8
.words: xor rax, [rsi]
        imul rax, rdx
        add esi, 8
        dec ecx
        jnz .words
        ret

; On the stack: the vector, then what the cpu pushed. The workload ends, the next one follows.
fatal:  mov rsi, text_fatal
        call puts
        mov byte [failed], 1
        pop rax
        call put_decimal
%rep 2
        mov rsi, text_stack
        call puts
        pop rax
        call put_hex
%endrep
        mov rsi, text_cr2
        call puts
        mov rax, cr2
        call put_hex
        mov rsp, [kernel_rsp]
        test rsp, rsp
        jz off                  ; no workload has begun
        mov eax, pml4
        mov cr3, rax
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        mov rsi, text_in
        call puts
        mov rsi, [rbx]
        call puts
        mov rsi, text_ring
        mov eax, ebp
        call report.number
        call new_line
        add rsp, 8              ; out of measure
        ret
power_off:
        cmp byte [failed], 0
        jne off
        mov rsi, text_done
        call puts
; ACPI: PM1a_CNT with SLP_EN (bit 13) and SLP_TYP 0, which is S5 on this board.
off:    mov dx, 0x604
        mov ax, 1 << 13
        out dx, ax
        cli
        hlt

failed: db 0
text_name: db "bench: name=", 0
text_ring: db " ring=", 0
text_units: db " units=", 0
text_cycles: db " cycles=", 0
text_ns: db " ns=", 0
text_hash: db " hash=", 0
text_fatal: db "bench: unexpected exception ", 0
text_stack: db ", ", 0
text_cr2: db ", CR2 ", 0
text_in: db " in name=", 0
text_done: db "bench: done", 13, 10, 0
%macro NAME_ROW 1
%defstr %%text %1
name_ %+ %1: db %%text, 0
%endmacro
%define WORKLOAD(name, units0, units3, what) NAME_ROW name
%include "workloads.def"
