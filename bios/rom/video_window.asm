; SPDX-License-Identifier: MIT
; INT 10h: scrolling and clearing of windows of the active page; text modes.

; AH=06h: window CH,CL - DH,DL by AL lines (0: clear it), attribute BH for new lines.
video_scroll_up:
        mov byte [es:win_down], 0
        jmp scroll_window
video_scroll_down:
        mov byte [es:win_down], 1
scroll_window:
        mov [es:win_top], ch
        mov [es:win_left], cl
        mov [es:win_attribute], bh
        mov [es:win_lines], al
        ; The window ends where the screen does.
        cmp dh, [BDA_ROWS]
        jbe .rows
        mov dh, [BDA_ROWS]
.rows:  mov al, [BDA_VIDEO_COLUMNS]
        dec al
        cmp dl, al
        jbe .columns
        mov dl, al
.columns:
        mov [es:win_bottom], dh
        mov [es:win_right], dl
        cmp ch, dh
        ja .end
        cmp cl, dl
        ja .end
        call is_text
        jne vga_scroll
        call move_window
        jmp serial_scrolled
.end:   ret

; Teletype at the last line: the whole screen by one, in the colours of the cursor's cell.
scroll_screen:
        mov bh, [BDA_PAGE]
        call cursor_cell
        push es
        mov es, [es:text_segment]
        mov bh, [es:di + 1]
        pop es
        mov byte [es:win_down], 0
        mov cx, 0
        mov dh, [BDA_ROWS]
        mov dl, [BDA_VIDEO_COLUMNS]
        dec dl
        mov al, 1
        jmp scroll_window

; Moves the lines that stay, clears the others.
move_window:
        mov al, [es:win_bottom]
        sub al, [es:win_top]
        inc al                  ; lines in the window
        mov ah, [es:win_lines]
        test ah, ah
        jz .all
        cmp ah, al
        jb .some
.all:   mov ah, al
.some:  sub al, ah              ; lines that stay
        mov [es:win_lines], ah
        mov bl, [es:win_top]    ; the next line to fill
        mov bh, 1               ; and the step
        cmp byte [es:win_down], 0
        je .next
        mov bl, [es:win_bottom]
        mov bh, -1
        neg ah
.next:  test al, al
        jz .clear
        dec al
        call copy_line
        add bl, bh
        jmp .next
.clear: mov cl, [es:win_lines]
.blank: call blank_line
        add bl, bh
        dec cl
        jnz .blank
        ret

; DI: offset of the window's part of line BL, CX: its cells.
window_line:
        push dx
        mov dh, bl
        mov dl, [es:win_left]
        mov di, [BDA_PAGE_START]
        call add_position
        pop dx
        movzx cx, byte [es:win_right]
        sub cl, [es:win_left]
        inc cx
        ret

; Line BL from the line AH further down.
copy_line:
        push ax
        push bx
        push ds
        push es
        call window_line
        push di
        add bl, ah
        call window_line
        mov si, di
        pop di
        mov ds, [es:text_segment]
        push ds
        pop es
        rep movsw
        pop es
        pop ds
        pop bx
        pop ax
        ret

blank_line:
        push ax
        push cx
        push es
        call window_line
        mov ah, [es:win_attribute]
        mov al, ' '
        mov es, [es:text_segment]
        rep stosw
        pop es
        pop cx
        pop ax
        ret
