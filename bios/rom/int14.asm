; SPDX-License-Identifier: MIT
; INT 14h: the serial ports of the BIOS data area.

int14_functions:
        FUNCTION 0x00, serial_set
        FUNCTION 0x01, serial_send
        FUNCTION 0x02, serial_receive
        FUNCTION 0x03, serial_status
        FUNCTION OTHERS, no_operation

int14:
        sti
        DISPATCH int14_functions

; The port DX of the caller: DX its base; CF: there is none.
serial_base:
        cmp dx, 3
        ja .none
        mov bx, dx
        shl bx, 1
        mov dx, [bx + BDA_COM]
        test dx, dx
        jz .none
        clc
        ret
.none:  mov byte [bp + R_AH], 0x80 ; time-out
        stc
        ret

; AL: baud rate, parity, stop bits, length.
serial_set:
        call serial_base
        jc serial_status.end
        mov bl, al
        shr bl, 5
        and bx, 7
        shl bx, 1
        mov cx, [cs:bx + .divisors]
        mov ah, al
        add dx, 3
        mov al, 0x80
        out dx, al
        sub dx, 3
        mov al, cl
        out dx, al
        inc dx
        mov al, ch
        out dx, al
        add dx, 2
        mov al, ah
        and al, 0x1F
        out dx, al
        sub dx, 2
        mov al, 0
        out dx, al
        dec dx
        jmp serial_status.port
.divisors: dw 1047, 768, 384, 192, 96, 48, 24, 12

serial_send:
        call serial_base
        jc serial_status.end
        add dx, 5
        mov cx, 0xFFFF
.wait:  in al, dx
        test al, 0x20
        loopz .wait
        jz serial_late
        sub dx, 5
        mov al, [bp + R_AL]
        out dx, al
        add dx, 5
        in al, dx
        mov [bp + R_AH], al
        ret

serial_receive:
        call serial_base
        jc serial_status.end
        add dx, 5
        mov cx, 0xFFFF
.wait:  in al, dx
        test al, 1
        loopz .wait
        jz serial_late
        and al, 0x1E
        mov [bp + R_AH], al
        sub dx, 5
        in al, dx
        mov [bp + R_AL], al
        ret

serial_late:
        or al, 0x80
        mov [bp + R_AH], al
        ret

serial_status:
        call serial_base
        jc .end
.port:  add dx, 5
        in al, dx
        mov [bp + R_AH], al
        inc dx
        in al, dx
        mov [bp + R_AL], al
.end:   ret
