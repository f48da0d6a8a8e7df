; SPDX-License-Identifier: MIT
; Option ROMs at C0000h-DFFFFh, in steps of 2 KiB: 55h AAh, length, entry at 3 (PCI Firmware
; Specification "PC-compatible Expansion ROMs").

option_roms:
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
