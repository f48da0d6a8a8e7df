; SPDX-License-Identifier: MIT
; INT 16h: keys out of the buffer, from the keyboard and from the serial console.

int16_functions:
        FUNCTION 0x00, key_read
        FUNCTION 0x01, key_peek
        FUNCTION 0x02, key_flags
        FUNCTION 0x03, no_operation
        FUNCTION 0x05, key_store
        FUNCTION 0x09, key_abilities
        FUNCTION 0x0A, key_identify
        FUNCTION 0x10, key_read_extended
        FUNCTION 0x11, key_peek_extended
        FUNCTION 0x12, key_flags_extended
        FUNCTION OTHERS, no_operation

int16:
        sti
        DISPATCH int16_functions

; AX: the next key, which stays in the buffer; ZF: there is none.
next_key:
        call serial_keys
        cli
        mov bx, [BDA_KBD_HEAD]
        cmp bx, [BDA_KBD_TAIL]
        je .end
        mov ax, [bx]
.end:   sti
        ret

drop_key:
        push bx
        mov bx, [BDA_KBD_HEAD]
        add bx, 2
        cmp bx, [BDA_KBD_END]
        jb .same
        mov bx, [BDA_KBD_START]
.same:  mov [BDA_KBD_HEAD], bx
        pop bx
        ret

; Halted until there is one. STI takes effect after the next instruction, so that nothing slips in
; between the test and the HLT; the timer wakes us for the serial console.
wait_key:
        call serial_show_cursor
.again: call next_key
        jnz .end
        cli
        mov bx, [BDA_KBD_HEAD]
        cmp bx, [BDA_KBD_TAIL]
        jne .again
        sti
        hlt
        jmp .again
.end:   ret

key_read_extended:
        call wait_key
        call drop_key
        cmp al, 0xF0
        jne .store
        test ah, ah
        jz .store
        xor al, al
.store: mov [bp + R_AX], ax
        ret

; The functions of the 84-key keyboard do not show keys that only larger ones have.
key_read:
        call wait_key
        call drop_key
        call plain_key
        jc key_read
        mov [bp + R_AX], ax
        ret

; AX as a small keyboard would have it; CF: it has no such key.
plain_key:
        test ah, ah
        jz .same
        cmp al, 0xE0
        je .grey
        cmp ah, 0xE0            ; grey Enter and slash
        je .own
        cmp al, 0xF0
        je .none
        cmp ah, 0x84
        ja .none
.same:  clc
        ret
.grey:  cmp ah, 0x84
        ja .none
        xor al, al
        clc
        ret
.own:   mov ah, 0x1C
        cmp al, '/'
        jne .same
        mov ah, 0x35
        jmp .same
.none:  stc
        ret

key_peek:
        call next_key
        jz key_peek_extended.none
        call plain_key
        jnc key_peek_extended.there
        call drop_key
        jmp key_peek
key_peek_extended:
        call next_key
        jz .none
.there: mov [bp + R_AX], ax
        and byte [bp + R_FLAGS], ~ZERO & 0xFF
        ret
.none:  or byte [bp + R_FLAGS], ZERO
        jmp serial_show_cursor

key_flags:
        mov al, [BDA_KBD_FLAGS]
        mov [bp + R_AL], al
        ret

key_flags_extended:
        mov al, [BDA_KBD_FLAGS]
        mov ah, [BDA_KBD_FLAGS1]
        and ah, 0x73
        mov cl, [BDA_KBD_FLAGS3]
        and cl, 0x0C
        or ah, cl
        mov [bp + R_AX], ax
        ret

key_store:
        mov ax, cx
        call store_key
        setc [bp + R_AL]
        ret

key_abilities:
        mov byte [bp + R_AL], 0x20 ; INT 16h 10h-12h are there
        ret

key_identify:
        mov word [bp + R_BX], 0x41AB
        ret

; Takes what was typed at the serial console.
serial_keys:
        cmp word [es:serial_port], 0
        je .end
        push dx
.next:  mov dx, [es:serial_port]
        add dx, 5
        in al, dx
        test al, 1
        jz .quiet
        sub dx, 5
        in al, dx
        call serial_key
        jmp .next
.quiet: call escape_timeout
        pop dx
.end:   ret

; An ESC after which nothing came within two ticks is the key.
escape_timeout:
        cmp byte [es:serial_escape], 1
        jne .end
        mov eax, [BDA_TICKS]
        sub eax, [es:serial_since]
        cmp eax, 2
        jb .end
        mov byte [es:serial_escape], 0
        mov ax, 0x011B
        jmp store_key
.end:   ret

serial_key:                     ; AL
        cmp byte [es:serial_escape], 1
        je .after_escape
        ja .sequence
        cmp al, 27
        je .escape
        jmp ascii_key
.escape:
        mov byte [es:serial_escape], 1
        mov edx, [BDA_TICKS]
        mov [es:serial_since], edx
        ret
.after_escape:
        mov byte [es:serial_number], 0
        mov byte [es:serial_escape], 2
        cmp al, '['
        je .end
        mov byte [es:serial_escape], 3
        cmp al, 'O'
        je .end
        mov byte [es:serial_escape], 0
        push ax                 ; two keys
        mov ax, 0x011B
        call store_key
        pop ax
        jmp serial_key
.sequence:
        cmp al, '0'
        jb .final
        cmp al, '9'
        ja .final
        sub al, '0'
        mov ah, [es:serial_number]
        movzx dx, ah
        imul dx, dx, 10
        add al, dl
        mov [es:serial_number], al
        ret
.final: mov byte [es:serial_escape], 0
        cmp al, '~'
        jne .letter
        mov al, [es:serial_number]
.letter:
        mov si, sequences
.next:  cmp byte [cs:si], 0
        je .end
        cmp [cs:si], al
        je .found
        add si, 2
        jmp .next
.found: mov ah, [cs:si + 1]
        mov al, 0xE0
        cmp ah, 0x3B            ; function keys have no E0h
        jb .store
        cmp ah, 0x44
        jbe .function
        cmp ah, 0x85
        jb .store
.function:
        mov al, 0
.store: jmp store_key
.end:   ret

; Final letter, or number before "~": scan code.
sequences:
        db 'A', 0x48, 'B', 0x50, 'C', 0x4D, 'D', 0x4B, 'H', 0x47, 'F', 0x4F
        db 'P', 0x3B, 'Q', 0x3C, 'R', 0x3D, 'S', 0x3E
        db 1, 0x47, 2, 0x52, 3, 0x53, 4, 0x4F, 5, 0x49, 6, 0x51, 7, 0x47, 8, 0x4F
        db 11, 0x3B, 12, 0x3C, 13, 0x3D, 14, 0x3E, 15, 0x3F, 17, 0x40, 18, 0x41, 19, 0x42
        db 20, 0x43, 21, 0x44, 23, 0x85, 24, 0x86, 0

; A character becomes the key that types it.
ascii_key:
        test al, al
        jz .none
        cmp al, 0x7F
        jne .search
        mov al, 8
.search:
        mov si, keymap
        mov cx, KEYS
.next:  cmp [cs:si], al
        je .alone
        cmp [cs:si + 2], al
        je .shift
        add si, 8
        loop .next
        mov si, keymap
        mov cx, KEYS
.ctrl:  cmp [cs:si + 4], al
        je .control
        add si, 8
        loop .ctrl
.none:  ret
.alone: mov ax, [cs:si]
        jmp store_key
.shift: mov ax, [cs:si + 2]
        jmp store_key
.control:
        mov ax, [cs:si + 4]
        jmp store_key
