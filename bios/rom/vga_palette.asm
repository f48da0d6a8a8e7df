; SPDX-License-Identifier: MIT
; The VGA's colours: what each mode starts with, and INT 10h AH=10h. Not there: grey summing.

; The colour registers for mode AL: 64 of the EGA, or 256 of mode 13h.
vga_palette:
        pusha
        mov dx, 0x3C8
        xor bx, bx
        xchg al, bl
        out dx, al
        inc dx
        xor cx, cx
        cmp bl, 0x13
        je vga_palette_256
.next:  mov bl, cl              ; rgbRGB: small letters a third
        mov al, bl
        shr al, 2
        mov ah, bl
        shr ah, 5
        call .part
        mov al, bl
        shr al, 1
        mov ah, bl
        shr ah, 4
        call .part
        mov al, bl
        mov ah, bl
        shr ah, 3
        call .part
        inc cl
        cmp cl, 64
        jb .next
        popa
        ret
; Two thirds by bit 0 of AL, one third by bit 0 of AH.
.part:  and ax, 0x0101
        imul si, ax, 0x2A
        and si, 0xFF
        shr ax, 8
        imul ax, ax, 0x15
        add ax, si
        out dx, al
        ret

; 16 EGA colours, 16 greys, then nine circles of 24 hues.
vga_palette_256:
        mov si, .ega
        mov cx, 16 * 3
        call .bytes
        mov si, .greys
        mov cx, 16
.grey:  cs lodsb
        out dx, al
        out dx, al
        out dx, al
        loop .grey
        mov bx, .levels
.circle:
        mov si, .hues
        mov cx, 24
.hue:   call .level
        call .level
        call .level
        loop .hue
        add bx, 5
        cmp bx, .levels_end
        jb .circle
        mov cx, 8 * 3           ; the last eight are black
        xor al, al
.black: out dx, al
        loop .black
        popa
        ret
.level: cs lodsb
        cs xlatb
        out dx, al
        ret
.bytes: cs lodsb
        out dx, al
        loop .bytes
        ret
.ega:   db 0x00, 0x00, 0x00, 0x00, 0x00, 0x2A, 0x00, 0x2A, 0x00, 0x00, 0x2A, 0x2A
        db 0x2A, 0x00, 0x00, 0x2A, 0x00, 0x2A, 0x2A, 0x15, 0x00, 0x2A, 0x2A, 0x2A
        db 0x15, 0x15, 0x15, 0x15, 0x15, 0x3F, 0x15, 0x3F, 0x15, 0x15, 0x3F, 0x3F
        db 0x3F, 0x15, 0x15, 0x3F, 0x15, 0x3F, 0x3F, 0x3F, 0x15, 0x3F, 0x3F, 0x3F
.greys: db 0x00, 0x05, 0x08, 0x0B, 0x0E, 0x11, 0x14, 0x18
        db 0x1C, 0x20, 0x24, 0x28, 0x2D, 0x32, 0x38, 0x3F
; Red, green, blue of the hues, as places in a circle's five levels.
.hues:  db 0, 0, 4, 1, 0, 4, 2, 0, 4, 3, 0, 4, 4, 0, 4, 4, 0, 3, 4, 0, 2, 4, 0, 1
        db 4, 0, 0, 4, 1, 0, 4, 2, 0, 4, 3, 0, 4, 4, 0, 3, 4, 0, 2, 4, 0, 1, 4, 0
        db 0, 4, 0, 0, 4, 1, 0, 4, 2, 0, 4, 3, 0, 4, 4, 0, 3, 4, 0, 2, 4, 0, 1, 4
.levels:
        db 0x00, 0x10, 0x1F, 0x2F, 0x3F, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x2D, 0x31, 0x36, 0x3A, 0x3F
        db 0x00, 0x07, 0x0E, 0x15, 0x1C, 0x0E, 0x11, 0x15, 0x18, 0x1C, 0x14, 0x16, 0x18, 0x1A, 0x1C
        db 0x00, 0x04, 0x08, 0x0C, 0x10, 0x08, 0x0A, 0x0C, 0x0E, 0x10, 0x0B, 0x0C, 0x0D, 0x0F, 0x10
.levels_end:

; AH=10h: one or all attribute registers, blinking, single colours and blocks of them.
video_palette:
        cmp byte [es:has_vga], 0
        je .end
        cmp al, 0x00
        je .attribute
        cmp al, 0x03
        je .blinking
        cmp al, 0x10
        je .colour
        cmp al, 0x12
        je .block
        cmp al, 0x15
        je .read
.end:   ret
; Register BL becomes BH.
.attribute:
        mov dx, 0x3DA
        in al, dx
        mov dx, 0x3C0
        mov al, bl
        out dx, al
        mov al, bh
        out dx, al
        mov al, 0x20
        out dx, al
        ret
.blinking:
        shl bl, 3
        or bl, 4
        mov bh, bl
        mov bl, 0x10
        jmp .attribute
; Colour BX becomes DH, CH, CL.
.colour:
        mov ah, dh
        mov dx, 0x3C8
        mov al, bl
        out dx, al
        inc dx
        mov al, ah
        out dx, al
        mov al, ch
        out dx, al
        mov al, cl
        out dx, al
        ret
; CX colours from BX on, at the caller's ES:DX.
.block: mov si, dx
        mov dx, 0x3C8
        mov al, bl
        out dx, al
        inc dx
        push ds
        mov ds, [bp + R_ES]
        imul cx, cx, 3
        rep outsb
        pop ds
        ret
.read:  mov dx, 0x3C7
        mov al, bl
        out dx, al
        add dx, 2
        in al, dx
        mov [bp + R_DH], al
        in al, dx
        mov [bp + R_CH], al
        in al, dx
        mov [bp + R_CL], al
        ret
