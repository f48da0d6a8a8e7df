; SPDX-License-Identifier: MIT
; The VGA's modes (IBM VGA Technical Reference "Registers"): 3, 12h, 13h. The program leaves the font
; in plane 2; it is kept aside, for graphics overwrite it.

FONT equ SCREEN                 ; segment: the screen in memory is not used when there is a VGA
FONT_HEIGHT equ 16

; Miscellaneous output; sequencer 0-4; CRT controller 0-18h; graphics 0-8; attributes 0-14h.
vga_mode_3:
        db 0x67
        db 0x03, 0x00, 0x03, 0x00, 0x02
        db 0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E
        db 0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF
        db 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x00, 0xFF
        db 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D
        db 0x3E, 0x3F, 0x0C, 0x00, 0x0F, 0x08, 0x00
vga_mode_12:
        db 0xE3
        db 0x03, 0x01, 0x0F, 0x00, 0x06
        db 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0x00, 0x40, 0x00, 0x00
        db 0x00, 0x00, 0x00, 0x00, 0xEA, 0x8C, 0xDF, 0x28, 0x00, 0xE7, 0x04, 0xE3, 0xFF
        db 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0F, 0xFF
        db 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D
        db 0x3E, 0x3F, 0x01, 0x00, 0x0F, 0x00, 0x00
vga_mode_13:
        db 0x63
        db 0x03, 0x01, 0x0F, 0x00, 0x0E
        db 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0x00, 0x41, 0x00, 0x00
        db 0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF
        db 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0F, 0xFF
        db 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D
        db 0x0E, 0x0F, 0x41, 0x00, 0x0F, 0x00, 0x00

; Mode AL above 3, BL with the bit that keeps the memory.
vga_graphics_mode:
        cmp byte [es:has_vga], 0
        je .end
        mov si, vga_mode_12
        mov cx, 30 - 1 + (16 << 8)
        cmp al, 0x12
        je .set
        mov si, vga_mode_13
        mov cx, 25 - 1 + (8 << 8)
        cmp al, 0x13
        jne .end
.set:   push cx
        call text_mode_data     ; pages, cursors
        pop cx
        mov [BDA_ROWS], cl
        mov [BDA_CHAR_HEIGHT], ch
        mov byte [BDA_CHAR_HEIGHT + 1], 0
        mov word [BDA_VIDEO_COLUMNS], 80
        cmp al, 0x13
        jne .wide
        mov word [BDA_VIDEO_COLUMNS], 40
.wide:  call vbe_off
        call vga_registers
        call vga_palette
        test bl, 0x80
        jnz .end
        push es
        push 0xA000
        pop es
        xor di, di
        xor eax, eax
        mov cx, 0x4000
        rep stosd
        pop es
.end:   ret

; Mode 3 with its font. Keeps AX and BX.
vga_text_mode:
        push ax
        call vbe_off
        mov si, vga_mode_3
        call vga_registers
        call vga_load_font
        mov al, 3
        call vga_palette
        pop ax
        ret

; The registers of the table at CS:SI. Keeps AX and BX.
vga_registers:
        push ax
        push bx
        cs lodsb
        mov dx, 0x3C2
        out dx, al
        mov dx, 0x3C4
        mov cx, 5
        call .indexed
        mov ax, 0x0E11          ; CRT controller 0-7 without protection
        mov dx, 0x3D4
        out dx, ax
        mov cx, 0x19
        call .indexed
        mov dx, 0x3CE
        mov cx, 9
        call .indexed
        mov dx, 0x3DA           ; the attribute controller takes an index next
        in al, dx
        mov dx, 0x3C0
        mov ah, 0
.attribute:
        mov al, ah
        out dx, al
        cs lodsb
        out dx, al
        inc ah
        cmp ah, 0x15
        jb .attribute
        mov al, 0x20            ; and shows the picture again
        out dx, al
        pop bx
        pop ax
        ret
.indexed:
        mov bl, 0
.next:  cs lodsb
        mov ah, al
        mov al, bl
        out dx, ax
        inc bl
        loop .next
        ret

; Plane 2 at A0000h, one byte after the other (sequencer 2 = 4, 4 = 7; graphics 4 = 2, 5 = 0, 6 = 4),
; and back to text.
vga_plane2:
        mov si, .open
        jmp .write
.close_it:
        mov si, .close
.write: mov dx, 0x3C4
        mov cx, 2
        call .pairs
        mov dx, 0x3CE
        mov cx, 3
.pairs: cs lodsw
        out dx, ax
        loop .pairs
        ret
.open:  dw 0x0402, 0x0704, 0x0204, 0x0005, 0x0406
.close: dw 0x0302, 0x0204, 0x0004, 0x1005, 0x0E06

; 32 bytes a character in plane 2, 16 in FONT.
vga_save_font:
        pusha
        push ds
        push es
        call vga_plane2
        push 0xA000
        pop ds
        push FONT
        pop es
        xor si, si
        xor di, di
        mov bx, 256
.next:  mov cx, FONT_HEIGHT / 2
        rep movsw
        add si, 32 - FONT_HEIGHT
        dec bx
        jnz .next
        call vga_plane2.close_it
        pop es
        pop ds
        popa
        ret

vga_load_font:
        pusha
        push ds
        push es
        call vga_plane2
        push FONT
        pop ds
        push 0xA000
        pop es
        xor si, si
        xor di, di
        mov bx, 256
        xor ax, ax
.next:  mov cx, FONT_HEIGHT / 2
        rep movsw
        mov cx, (32 - FONT_HEIGHT) / 2
        rep stosw
        dec bx
        jnz .next
        call vga_plane2.close_it
        pop es
        pop ds
        popa
        ret

; Text in graphics modes is not there; pixels are, in mode 13h.
vga_write_cells:
vga_teletype:
vga_scroll:
video_font:
        ret

; Pixel column CX, row DX becomes AL; mode 13h.
video_write_pixel:
        cmp byte [BDA_VIDEO_MODE], 0x13
        jne vga_scroll
        call .address
        mov [es:di], al
        ret
.address:
        push ax
        mov ax, 320
        mul dx
        add ax, cx
        mov di, ax
        pop ax
        push 0xA000
        pop es
        ret
video_read_pixel:
        cmp byte [BDA_VIDEO_MODE], 0x13
        jne vga_scroll
        call video_write_pixel.address
        mov al, [es:di]
        mov [bp + R_AL], al
        ret
