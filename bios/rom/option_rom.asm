; SPDX-License-Identifier: MIT
; Option ROMs at C0000h-DFFFFh, in steps of 2 KiB: 55h AAh, length, entry at 3 (PCI Firmware
; Specification "PC-compatible Expansion ROMs"). Before, what fw_cfg has as genroms/ (-option-rom) is
; put there, from C8000h. Not there: expansion ROMs of PCI functions, BCV and BEV; what wants to boot
; hooks INT 19h.

FW_CFG equ 0x510                ; selector; the next port: data
FW_CFG_SIGNATURE equ 0
FW_CFG_FILES equ 0x19
FW_CFG_MOST_FILES equ 55        ; that SECTOR_BUFFER has room for
FW_CFG_MOST_ROM equ 0x17C00     ; what there is room for, and its length byte can say
FW_CFG_PIECE equ 0x8000
FW_CFG_ENTRY equ 64             ; size, key (both big-endian), 2 bytes, name

; Files to memory, each at the next 2 KiB.
option_rom_files:
        mov ax, FW_CFG_SIGNATURE
        call fw_cfg_select
        push SECTOR_BUFFER
        pop es
        xor di, di
        mov cx, 4
        rep insb
        cmp dword [es:0], "QEMU"
        jne .end
        mov ax, FW_CFG_FILES
        call fw_cfg_select
        mov cx, 4
        xor di, di
        rep insb
        mov ax, [es:2]
        xchg al, ah             ; how many
        cmp ax, FW_CFG_MOST_FILES
        jbe .count
        mov ax, FW_CFG_MOST_FILES
.count: mov bp, ax
        imul cx, ax, FW_CFG_ENTRY
        xor di, di
        rep insb
        xor bx, bx
        mov ax, 0xC800
        mov gs, ax              ; where the next one goes
.next:  test bp, bp
        jz .end
        cmp dword [es:bx + 8], "genr"
        jne .other
        cmp dword [es:bx + 12], "oms/"
        jne .other
        call .load
.other: add bx, FW_CFG_ENTRY
        dec bp
        jmp .next
.end:   ret
; The file of entry BX to GS:0, if it fits.
.load:  mov eax, [es:bx]
        xchg al, ah
        rol eax, 16
        xchg al, ah
        mov esi, eax            ; bytes
        cmp esi, FW_CFG_MOST_ROM
        ja .skip
        add eax, 0x7FF
        shr eax, 4
        and ax, 0xFF80          ; paragraphs that it takes
        mov cx, gs
        add cx, ax
        cmp cx, DATA
        ja .skip
        push cx
        push es
        mov ax, [es:bx + 4]
        xchg al, ah
        call fw_cfg_select
        push gs
        pop es
.piece: mov ecx, FW_CFG_PIECE
        cmp ecx, esi
        jbe .read
        mov cx, si
.read:  sub esi, ecx
        xor di, di
        rep insb
        mov ax, es
        add ax, FW_CFG_PIECE >> 4
        mov es, ax
        test esi, esi
        jnz .piece
        pop es
        pop gs
.skip:  ret

; Item AX; DX: the data port.
fw_cfg_select:
        mov dx, FW_CFG
        out dx, ax
        inc dx
        ret

option_roms:
        call option_rom_files
        mov ax, 0xC000
.next:  mov es, ax
        cmp word [es:0], 0xAA55
        jne .step
        movzx cx, byte [es:2]   ; in 512 bytes
        test cx, cx
        jz .step
        push cx
        push es
        call .checksum
        pop es
        pop cx
        jnz .step
        shl cx, 5               ; paragraphs
        add cx, 0x7F
        and cx, 0xFF80
        push cx
        push es
        push cs
        push .back
        push es
        push 3
        xor ax, ax              ; of no PCI function
        xor di, di
        retf                    ; a far call of ES:3
.back:  cld
        pop es
        pop cx
        mov ax, es
        add ax, cx
        jmp .inside
.step:  mov ax, es
        add ax, 0x80
.inside:
        cmp ax, DATA
        jb .next
        ret

; ZF: the CX * 512 bytes of ES sum up to zero.
.checksum:
        push es
        pop ds
        xor dl, dl
.block: xor si, si
        push cx
        mov cx, 512
.byte:  lodsb
        add dl, al
        loop .byte
        mov ax, ds
        add ax, 0x20
        mov ds, ax
        pop cx
        loop .block
        test dl, dl
        ret
