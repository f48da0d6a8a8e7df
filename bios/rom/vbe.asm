; SPDX-License-Identifier: MIT
; VESA BIOS Extension 2.0 (INT 10h AH=4Fh) on Bochs's DISPI registers: linear frame buffers of 32 bits
; a pixel. Not there: banks, 8 to 24 bits, states, palettes, the protected mode interface.

DISPI_INDEX equ 0x1CE
DISPI_DATA equ 0x1CF
DISPI_LINEAR equ 0x41           ; enabled, linear
VBE_LINEAR equ 0x4000           ; in the mode number
VBE_KEEP equ 0x8000

; Mode, width, height.
vbe_modes:
        dw 0x141, 640, 400, 0x142, 640, 480, 0x143, 800, 600, 0x144, 1024, 768
        dw 0x145, 1280, 1024, 0x147, 1400, 1050, 0x148, 1440, 900, 0x14B, 1280, 720
        dw 0x14E, 1920, 1080, 0x151, 1920, 1200
vbe_modes_end:

video_vbe:
        cmp byte [es:has_vga], 0
        je .end
        cmp al, 0
        je vbe_controller
        cmp al, 1
        je vbe_mode_information
        cmp al, 2
        je vbe_set_mode
        cmp al, 3
        je vbe_get_mode
.end:   ret

vbe_good:
        mov word [bp + R_AX], 0x004F
        ret
vbe_failed:
        mov word [bp + R_AX], 0x014F
        ret

; DISPI register AX becomes BX; or is read: AX. Changes DX.
dispi_write:
        mov dx, DISPI_INDEX
        out dx, ax
        inc dx
        mov ax, bx
        out dx, ax
        ret
dispi_read:
        mov dx, DISPI_INDEX
        out dx, ax
        inc dx
        in ax, dx
        ret

vbe_off:
        push ax
        push bx
        push dx
        mov ax, 4
        xor bx, bx
        call dispi_write
        pop dx
        pop bx
        pop ax
        ret

; The row of mode CX: CS:SI; CF: there is none.
vbe_find:
        and cx, 0x3FFF
        mov si, vbe_modes
.next:  cmp [cs:si], cx
        je .found
        add si, 6
        cmp si, vbe_modes_end
        jb .next
        stc
.found: ret

; 512 bytes at the caller's ES:DI; the mode list stands in its reserved part.
vbe_controller:
        mov es, [bp + R_ES]
        mov di, [bp + R_DI]
        mov bx, di
        xor eax, eax
        mov cx, 64
        rep stosd
        mov dword [es:bx], "VESA"
        mov word [es:bx + 4], 0x0200
        mov word [es:bx + 6], .name
        mov word [es:bx + 8], cs
        mov byte [es:bx + 10], 1 ; colours of 6 or 8 bits
        lea di, [bx + 0x22]
        mov [es:bx + 14], di
        mov [es:bx + 16], es
        mov word [es:bx + 18], 256 ; 64 KiB pieces
        mov si, vbe_modes
.next:  mov ax, [cs:si]
        stosw
        add si, 6
        cmp si, vbe_modes_end
        jb .next
        mov ax, -1
        stosw
        jmp vbe_good
.name:  db "ring3", 0

; 256 bytes at the caller's ES:DI about mode CX.
vbe_mode_information:
        call vbe_find
        jc vbe_failed
        mov es, [bp + R_ES]
        mov di, [bp + R_DI]
        mov bx, di
        xor eax, eax
        mov cx, 64
        rep stosd
        mov word [es:bx], 0xDB  ; supported, colour, graphics, no VGA, no banks, linear
        mov ax, [cs:si + 2]
        mov [es:bx + 0x12], ax
        shl ax, 2
        mov [es:bx + 0x10], ax
        mov [es:bx + 0x32], ax
        mov ax, [cs:si + 4]
        mov [es:bx + 0x14], ax
        mov word [es:bx + 0x16], 0x1008 ; a character's size
        mov byte [es:bx + 0x18], 1 ; planes
        mov byte [es:bx + 0x19], 32
        mov byte [es:bx + 0x1A], 1 ; banks
        mov byte [es:bx + 0x1B], 6 ; direct colour
        mov byte [es:bx + 0x1E], 1
        mov di, 0x1F
        call .masks
        mov di, 0x36
        call .masks
        call vbe_frame_buffer
        mov [es:bx + 0x28], eax
        jmp vbe_good
; Size and place of red, green, blue and the rest.
.masks: mov dword [es:bx + di], 0x08081008
        mov dword [es:bx + di + 4], 0x18080008
        ret

; The linear frame buffer: EAX. Keeps BX.
vbe_frame_buffer:
        push bx
        mov cx, 0x0300
        call pci_find_class
        mov eax, 0
        jc .end
        mov di, 0x10
        call pci_read
        and al, 0xF0
.end:   pop bx
        ret

; BX: the mode; one of the VGA's own, too.
vbe_set_mode:
        mov cx, bx
        and cx, 0x3FFF
        cmp cx, 0x100
        jb .vga
        test bx, VBE_LINEAR
        jz vbe_failed
        call vbe_find
        jc vbe_failed
        and bx, VBE_KEEP
        shr bx, 8
        or bx, DISPI_LINEAR
        push bx
        call vbe_off
        mov ax, 1
        mov bx, [cs:si + 2]
        call dispi_write
        mov ax, 2
        mov bx, [cs:si + 4]
        call dispi_write
        mov ax, 3
        mov bx, 32
        call dispi_write
        mov ax, 4
        pop bx
        call dispi_write
        mov byte [BDA_VIDEO_MODE], 0xFF
        mov ax, [cs:si]
        or ax, VBE_LINEAR
        mov [es:vbe_mode], ax
        jmp vbe_good
.vga:   mov ax, cx
        int 0x10
        jmp vbe_good

vbe_get_mode:
        mov ax, [es:vbe_mode]
        cmp byte [BDA_VIDEO_MODE], 0xFF
        je .there
        movzx ax, byte [BDA_VIDEO_MODE]
.there: mov [bp + R_BX], ax
        jmp vbe_good
