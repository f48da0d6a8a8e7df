; SPDX-License-Identifier: MIT
; The screen on a serial terminal (ECMA-48): what INT 10h writes goes out with cursor movements and
; colours where they are needed; what is typed comes in as keys. Off while serial_port is 0.

; 115200 baud, 8N1; FIFO.
serial_init:
        mov byte [es:serial_row], 0xFF
        mov byte [es:serial_attribute], 0xFF
        mov dx, [es:serial_port]
        test dx, dx
        jz .end
        add dx, 3
        mov al, 0x83
        out dx, al
        sub dx, 3
        mov ax, 1
        out dx, al
        inc dx
        mov al, 0
        out dx, al
        add dx, 2
        mov al, 3
        out dx, al
        dec dx
        mov al, 1
        out dx, al
        add dx, 2
        mov al, 3               ; DTR, RTS
        out dx, al
.end:   ret

; AL to the terminal. Keeps all registers.
serial_put:
        push ax
        push cx
        push dx
        mov dx, [es:serial_port]
        add dx, 5
        mov ah, al
        mov cx, 0x1000
.wait:  in al, dx
        test al, 0x20
        loopz .wait
        sub dx, 5
        mov al, ah
        out dx, al
        pop dx
        pop cx
        pop ax
        ret

serial_bell:
        cmp word [es:serial_port], 0
        je serial_put_decimal.end
        jmp serial_put

; AL in decimal, up to 99.
serial_put_decimal:
        push ax
        aam
        test ah, ah
        jz .one
        push ax
        mov al, ah
        add al, '0'
        call serial_put
        pop ax
.one:   add al, '0'
        call serial_put
        pop ax
.end:   ret

serial_introduce:               ; ESC [
        push ax
        mov al, 27
        call serial_put
        mov al, '['
        call serial_put
        pop ax
        ret

; The terminal's cursor to row DH, column DL. Keeps all registers.
serial_goto:
        cmp [es:serial_row], dh
        jne .row
        cmp [es:serial_column], dl
        je .end
        ja .row
        call serial_step
        jnc .end
.row:   push ax
        test dl, dl
        jnz .address
        cmp byte [es:serial_row], 0xFF
        je .address
        mov al, [es:serial_row]
        cmp al, dh
        je .return
        inc al
        cmp al, dh
        jne .address
        mov al, 13
        call serial_put
        mov al, 10
        call serial_put
        jmp .there
.return:
        mov al, 13
        call serial_put
        jmp .there
.address:
        call serial_introduce
        mov al, dh
        inc al
        call serial_put_decimal
        mov al, ';'
        call serial_put
        mov al, dl
        inc al
        call serial_put_decimal
        mov al, 'H'
        call serial_put
.there: mov [es:serial_row], dh
        mov [es:serial_column], dl
        pop ax
.end:   ret

; A few cells further on in the row: what stands between goes out again, if it is in the colours of
; late. CF: it is not so. Keeps all registers.
SERIAL_STEP equ 8
serial_step:
        push ax
        push di
        push gs
        mov al, dl
        sub al, [es:serial_column]
        cmp al, SERIAL_STEP + 1
        cmc
        jc .end
        call .cell
        push di
.check: mov ah, [gs:di + 1]
        cmp ah, [es:serial_attribute]
        jne .other
        add di, 2
        dec al
        jnz .check
        pop di
.send:  mov al, [gs:di]
        call serial_glyph
        add di, 2
        inc byte [es:serial_column]
        cmp [es:serial_column], dl
        jb .send
.end:   pop gs
        pop di
        pop ax
        ret
.other: pop di
        stc
        jmp .end
; GS:DI: the cell where the terminal's cursor is.
.cell:  mov gs, [es:text_segment]
        mov di, [BDA_PAGE_START]
        push dx
        mov dh, [es:serial_row]
        mov dl, [es:serial_column]
        call add_position
        pop dx
        ret

; Colours AH for what follows. Keeps all registers.
serial_colours:
        cmp [es:serial_attribute], ah
        je .end
        push ax
        push bx
        mov [es:serial_attribute], ah
        call serial_introduce
        mov al, '0'
        call serial_put
        cmp ah, 7
        je .done
        test ah, 8
        jz .normal
        mov al, ';'
        call serial_put
        mov al, '1'
        call serial_put
.normal:
        mov al, '3'
        mov bl, ah
        call .colour
        mov al, '4'
        mov bl, ah
        shr bl, 4
        call .colour
.done:  mov al, 'm'
        call serial_put
        pop bx
        pop ax
.end:   ret
; ";", AL, and the terminal's number of colour BL: red and blue change places.
.colour:
        push ax
        mov al, ';'
        call serial_put
        pop ax
        call serial_put
        and bx, 7
        mov al, [cs:bx + .colours]
        jmp serial_put
.colours: db "04261537"

; Cell AL, AH at row DH, column DL. Changes AH.
serial_cell:
        cmp word [es:serial_port], 0
        je .end
        call serial_goto
        call serial_colours
        push ax
        call serial_glyph
        pop ax
        inc byte [es:serial_column]
        mov ah, [es:serial_column]
        cmp ah, [BDA_VIDEO_COLUMNS]
        jb .end
        mov byte [es:serial_row], 0xFF ; at the margin terminals differ
.end:   ret

; Character AL of code page 437, as UTF-8.
serial_glyph:
        cmp al, 0x7F
        jae .wide
        cmp al, ' '
        jae serial_put
.wide:  push bx
        movzx bx, al
        cmp al, 0x7F
        jb .low
        sub bx, 0x7F - 0x20
.low:   shl bx, 1
        mov bx, [cs:bx + code_page_437]
        mov ax, bx
        cmp bx, 0x80
        jb .one
        cmp bx, 0x800
        jb .two
        shr ax, 12
        or al, 0xE0
        call serial_put
        mov ax, bx
        shr ax, 6
        and al, 0x3F
        or al, 0x80
        jmp .last
.two:   shr ax, 6
        or al, 0xC0
.last:  call serial_put
        mov ax, bx
        and al, 0x3F
        or al, 0x80
.one:   call serial_put
        pop bx
        ret

serial_clear:
        cmp word [es:serial_port], 0
        je .end
        mov ah, 7
        call serial_colours
        call serial_introduce
        mov al, '2'
        call serial_put
        mov al, 'J'
        call serial_put
        mov byte [es:serial_row], 0xFF
        xor dx, dx
        call serial_goto
.end:   ret

; The window was scrolled: a scrolling terminal does it alike if it was the whole screen, else what
; the window shows is sent again.
serial_scrolled:
        cmp word [es:serial_port], 0
        je .end
        cmp word [es:win_top], 0 ; and left
        jne serial_redraw
        mov al, [BDA_ROWS]
        cmp [es:win_bottom], al
        jb serial_redraw
        mov ah, [BDA_VIDEO_COLUMNS]
        dec ah
        cmp [es:win_right], ah
        jb serial_redraw
        mov cl, [es:win_lines]
        cmp cl, al
        ja .clear
        cmp byte [es:win_down], 0
        jne serial_redraw
        mov dh, al
        mov dl, 0
        mov ah, [es:win_attribute]
        call serial_colours
        call serial_goto
.line:  mov al, 10
        call serial_put
        dec cl
        jnz .line
.end:   ret
.clear: mov ah, [es:win_attribute]
        call serial_colours
        call serial_introduce
        mov al, '2'
        call serial_put
        mov al, 'J'
        jmp serial_put

serial_redraw:
        mov bl, [es:win_top]
.line:  call window_line
        mov dh, bl
        mov dl, [es:win_left]
.cell:  push es
        mov es, [es:text_segment]
        mov ax, [es:di]
        pop es
        call serial_cell
        add di, 2
        inc dl
        loop .cell
        inc bl
        cmp bl, [es:win_bottom]
        jbe .line
        ret

; Shows the cursor where the screen has it: somebody waits for a key. DS: BDA, ES: DATA.
serial_show_cursor:
        cmp word [es:serial_port], 0
        je .end
        push bx
        push dx
        movzx bx, byte [BDA_PAGE]
        shl bx, 1
        mov dx, [bx + BDA_CURSORS]
        call serial_goto
        pop dx
        pop bx
.end:   ret

; 0-1Fh, then 7Fh-FFh.
code_page_437:
        dw 0x0020, 0x263A, 0x263B, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25D8, 0x25CB
        dw 0x25D9, 0x2642, 0x2640, 0x266A, 0x266B, 0x263C, 0x25BA, 0x25C4, 0x2195, 0x203C
        dw 0x00B6, 0x00A7, 0x25AC, 0x21A8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221F, 0x2194
        dw 0x25B2, 0x25BC, 0x2302, 0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5
        dw 0x00E7, 0x00EA, 0x00EB, 0x00E8, 0x00EF, 0x00EE, 0x00EC, 0x00C4, 0x00C5, 0x00C9
        dw 0x00E6, 0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6, 0x00DC
        dw 0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192, 0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1
        dw 0x00D1, 0x00AA, 0x00BA, 0x00BF, 0x2310, 0x00AC, 0x00BD, 0x00BC, 0x00A1, 0x00AB
        dw 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555
        dw 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514, 0x2534, 0x252C
        dw 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560
        dw 0x2550, 0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553
        dw 0x256B, 0x256A, 0x2518, 0x250C, 0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1
        dw 0x00DF, 0x0393, 0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4, 0x03A6, 0x0398, 0x03A9
        dw 0x03B4, 0x221E, 0x03C6, 0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320
        dw 0x2321, 0x00F7, 0x2248, 0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0
        dw 0x0020
