; SPDX-License-Identifier: MIT
; COM1: polled output, interrupt-driven input into a ring of 256 bytes.

align 8
receive_ring: times 256 db 0
receive_head: db 0              ; next to write; the bytes wrap by themselves
receive_tail: db 0              ; next to read

DEFINE_PUTS puts

; Takes all that the FIFO holds.
serial_receive:
        mov dx, COM1 + 5
        in al, dx
        test al, 1              ; data ready
        jz .done
        mov dx, COM1
        in al, dx
        movzx ebx, byte [receive_head]
        mov [receive_ring + rbx], al
        inc byte [receive_head]
        jmp serial_receive
.done:  ret

; Waits for a character, halted: AL. STI takes effect after the next instruction, so that no
; interrupt can slip in between the test and the HLT.
getc:
        cli
        movzx ebx, byte [receive_tail]
        cmp bl, [receive_head]
        jne .there
        sti
        hlt
        jmp getc
.there: mov al, [receive_ring + rbx]
        inc byte [receive_tail]
        sti
        ret

putc:                           ; AL; keeps all other registers
        push rdx
        push rax
        mov dx, COM1 + 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        pop rax
        mov dx, COM1
        out dx, al
        pop rdx
        ret

new_line:
        mov al, 13
        call putc
        mov al, 10
        jmp putc

put_hex:                        ; RAX, sixteen digits
        mov rbx, rax
        mov ecx, 16
.next:  rol rbx, 4
        mov al, bl
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .digit
        add al, 'A' - '9' - 1
.digit: call putc
        loop .next
        ret

put_decimal:                    ; RAX
        mov ebx, 10
        xor ecx, ecx
.more:  xor edx, edx
        div rbx
        push rdx
        inc ecx
        test rax, rax
        jnz .more
.print: pop rax
        add al, '0'
        call putc
        loop .print
        ret
