; SPDX-License-Identifier: MIT
; Messages, through INT 10h.

; The text at CS:SI, up to a zero byte.
print:
        push ax
        push bx
        mov bx, 7
.next:  cs lodsb
        test al, al
        jz .end
        mov ah, 0x0E
        int 0x10
        jmp .next
.end:   pop bx
        pop ax
        ret

print_character:                ; AL
        push ax
        push bx
        mov bx, 7
        mov ah, 0x0E
        int 0x10
        pop bx
        pop ax
        ret
