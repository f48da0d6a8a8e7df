; SPDX-License-Identifier: MIT
; INT 10h: cursor, characters, teletype, strings; text modes.

video_cursor_shape:
        mov [BDA_CURSOR_SHAPE], cx
        cmp byte [es:has_vga], 0
        je .end
        mov al, 0x0A
        mov ah, ch
        call crtc_write
        mov al, 0x0B
        mov ah, cl
        call crtc_write
.end:   ret

; CRT controller register AL becomes AH.
crtc_write:
        push dx
        mov dx, [BDA_CRTC]
        out dx, ax
        pop dx
        ret

video_set_cursor:
        and bh, 7
        call store_cursor
        ret

; Cursor of page BH to row DH, column DL.
store_cursor:
        push bx
        movzx bx, bh
        shl bx, 1
        mov [bx + BDA_CURSORS], dx
        shr bx, 1
        cmp bl, [BDA_PAGE]
        pop bx
        jne .end
        call show_cursor
.end:   ret

; The VGA's cursor to the active page's.
show_cursor:
        cmp byte [es:has_vga], 0
        je .end
        push ax
        push bx
        push dx
        movzx bx, byte [BDA_PAGE]
        shl bx, 1
        mov dx, [bx + BDA_CURSORS]
        movzx ax, dh
        push dx
        mul word [BDA_VIDEO_COLUMNS]
        pop dx
        movzx dx, dl
        add ax, dx
        mov bx, [BDA_PAGE_START]
        shr bx, 1
        add bx, ax
        mov al, 0x0E
        mov ah, bh
        call crtc_write
        mov al, 0x0F
        mov ah, bl
        call crtc_write
        pop dx
        pop bx
        pop ax
.end:   ret

video_get_cursor:
        movzx bx, bh
        and bl, 7
        shl bx, 1
        mov ax, [bx + BDA_CURSORS]
        mov [bp + R_DX], ax
        mov ax, [BDA_CURSOR_SHAPE]
        mov [bp + R_CX], ax
        ret

video_set_page:
        cmp al, 7
        ja .end
        mov [BDA_PAGE], al
        movzx ax, al
        mul word [BDA_PAGE_SIZE]
        mov [BDA_PAGE_START], ax
        cmp byte [es:has_vga], 0
        je .end
        mov bx, ax
        shr bx, 1
        mov al, 0x0C
        mov ah, bh
        call crtc_write
        mov al, 0x0D
        mov ah, bl
        call crtc_write
        call show_cursor
.end:   ret

; Offset of the cell at the cursor of page BH: DI; the cursor: DX. Changes AX.
cursor_cell:
        push bx
        movzx bx, bh
        and bl, 7
        mov ax, bx
        shl bx, 1
        mov dx, [bx + BDA_CURSORS]
        push dx
        mul word [BDA_PAGE_SIZE]
        pop dx
        mov di, ax
        pop bx
        ; fall through
; Adds row DH, column DL to DI.
add_position:
        push ax
        push dx
        push dx
        movzx ax, dh
        mul word [BDA_VIDEO_COLUMNS]
        pop dx
        movzx dx, dl
        add ax, dx
        shl ax, 1
        add di, ax
        pop dx
        pop ax
        ret

video_read_cell:
        call cursor_cell
        mov es, [es:text_segment]
        mov ax, [es:di]
        mov [bp + R_AX], ax
        ret

; AH=09h: AL with attribute BL, CX times from the cursor of page BH on.
video_write_cells:
        mov ah, bl
        mov si, 1
        jmp write_cells
video_write_characters:
        xor si, si
write_cells:
        call is_text
        jne vga_write_cells
        push ax
        call cursor_cell
        pop ax
.next:  test cx, cx
        jz .end
        call put_cell
        add di, 2
        inc dl
        cmp dl, [BDA_VIDEO_COLUMNS]
        jb .same_row
        mov dl, 0
        inc dh
.same_row:
        dec cx
        jmp .next
.end:   ret

; ZF: a text mode.
is_text:
        cmp byte [BDA_VIDEO_MODE], 3
        jbe .text
        cmp byte [BDA_VIDEO_MODE], 7
        ret
.text:  cmp al, al
        ret

; AL with attribute AH (SI = 0: with the one that is there) to the cell at DI, which is row DH,
; column DL of page BH. A blank that is there already is not sent again. Keeps all registers.
put_cell:
        push ax
        push es
        mov es, [es:text_segment]
        test si, si
        jnz .given
        mov ah, [es:di + 1]
.given: xchg [es:di], ax
        cmp al, ' '
        jne .changed
        cmp ax, [es:di]
.changed:
        mov ax, [es:di]
        pop es
        je .end
        cmp bh, [BDA_PAGE]
        jne .end
        call serial_cell
.end:   pop ax
        ret

; AH=0Eh: AL at the active page's cursor, which moves on.
video_teletype:
        mov bh, [BDA_PAGE]
        xor si, si
        ; fall through
; AL (SI = 1: with attribute BL) at the cursor of page BH.
teletype:
        mov ah, bl
        call is_text
        jne vga_teletype
        push ax
        call cursor_cell
        pop ax
        cmp al, 7
        je serial_bell
        cmp al, 8
        je .back
        cmp al, 10
        je .down
        cmp al, 13
        je .home
        call put_cell
        inc dl
        cmp dl, [BDA_VIDEO_COLUMNS]
        jb store_cursor
        mov dl, 0
.down:  cmp dh, [BDA_ROWS]
        jae .scroll
        inc dh
        jmp store_cursor
.home:  mov dl, 0
        jmp store_cursor
.back:  test dl, dl
        jz .end
        dec dl
        jmp store_cursor
.scroll:
        call store_cursor
        call scroll_screen
.end:   ret

; AH=13h: the string at ES:BP, CX characters, from row DH, column DL of page BH on.
; AL bit 0: the cursor follows; bit 1: attributes stand in the string.
video_write_string:
        test cx, cx
        jz .end
        cmp bh, 0xFF
        jne .page
        mov bh, [BDA_PAGE]
.page:  and bh, 7
        push bx
        movzx bx, bh
        shl bx, 1
        mov di, [bx + BDA_CURSORS]
        pop bx
        push di                 ; the cursor as it was
        call store_cursor
        mov di, [bp + R_BP]
.next:  push es
        mov es, [bp + R_ES]
        mov al, [es:di]
        inc di
        test byte [bp + R_AL], 2
        jz .one_attribute
        mov bl, [es:di]
        inc di
.one_attribute:
        pop es
        push di
        push cx
        push bx
        mov si, 1
        call teletype
        pop bx
        pop cx
        pop di
        loop .next
        pop dx
        test byte [bp + R_AL], 1
        jnz .end
        call store_cursor
.end:   ret
