; SPDX-License-Identifier: MIT
; INT 1Ah: ticks and the real-time clock; B1h is the PCI BIOS. Not there: alarms.

int1a_functions:
        FUNCTION 0x00, time_ticks
        FUNCTION 0x01, time_set_ticks
        FUNCTION 0x02, time_clock
        FUNCTION 0x03, time_set_clock
        FUNCTION 0x04, time_date
        FUNCTION 0x05, time_set_date
        FUNCTION 0xB1, pci_bios
        FUNCTION OTHERS, set_carry

int1a:
        DISPATCH int1a_functions

time_ticks:
        mov ax, [BDA_TICKS]
        mov [bp + R_DX], ax
        mov ax, [BDA_TICKS + 2]
        mov [bp + R_CX], ax
        mov al, [BDA_MIDNIGHT]
        mov [bp + R_AL], al
        mov byte [BDA_MIDNIGHT], 0
        jmp clear_carry

time_set_ticks:
        mov [BDA_TICKS], dx
        mov [BDA_TICKS + 2], cx
        mov byte [BDA_MIDNIGHT], 0
        jmp clear_carry

; Until no update is at hand.
clock_stable:
        xor cx, cx
.wait:  mov al, 0x0A
        call cmos_read
        test al, 0x80
        loopnz .wait
        ret

time_clock:
        call clock_stable
        mov al, 4
        call cmos_read
        mov [bp + R_CH], al
        mov al, 2
        call cmos_read
        mov [bp + R_CL], al
        mov al, 0
        call cmos_read
        mov [bp + R_DH], al
        mov al, 0x0B
        call cmos_read
        and al, 1               ; daylight saving
        mov [bp + R_DL], al
        jmp clear_carry

time_date:
        call clock_stable
        mov al, 0x32
        call cmos_read
        mov [bp + R_CH], al
        mov al, 9
        call cmos_read
        mov [bp + R_CL], al
        mov al, 8
        call cmos_read
        mov [bp + R_DH], al
        mov al, 7
        call cmos_read
        mov [bp + R_DL], al
        jmp clear_carry

; Register AL becomes AH.
cmos_write:
        out CMOS, al
        mov al, ah
        out CMOS + 1, al
        ret

; Updates stop (AH = 80h) or go on (AH = 0).
clock_hold:
        mov al, 0x0B
        call cmos_read
        and al, 0x7F
        or ah, al
        mov al, 0x0B
        jmp cmos_write

time_set_clock:
        mov ah, 0x80
        call clock_hold
        mov ax, 4
        mov ah, ch
        call cmos_write
        mov al, 2
        mov ah, cl
        call cmos_write
        mov al, 0
        mov ah, dh
        call cmos_write
        mov ah, 0
        call clock_hold
        jmp clear_carry

time_set_date:
        mov ah, 0x80
        call clock_hold
        mov al, 0x32
        mov ah, ch
        call cmos_write
        mov al, 9
        mov ah, cl
        call cmos_write
        mov al, 8
        mov ah, dh
        call cmos_write
        mov al, 7
        mov ah, dl
        call cmos_write
        mov ah, 0
        call clock_hold
        jmp clear_carry
