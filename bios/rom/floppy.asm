; SPDX-License-Identifier: MIT
; Floppy drives: INT 13h for 00h and 01h, with the 82077 in its PC-AT registers, DMA channel 2 and
; IRQ 6. A medium has the format that its drive is for. Not there: formatting, change line.

FDC_DOR equ 0x3F2
FDC_STATUS equ 0x3F4
FDC_DATA equ 0x3F5
FDC_CCR equ 0x3F7
FLOPPY_PATIENCE equ 37          ; ticks: two seconds
FLOPPY_MOTOR_TICKS equ 37
FLOPPY_CROSSES equ 0x09         ; a multiple of 64 KiB

floppy_functions:
        FUNCTION 0x00, floppy_reset
        FUNCTION 0x01, disk_last_status
        FUNCTION 0x02, floppy_read
        FUNCTION 0x03, floppy_write
        FUNCTION 0x04, floppy_verify
        FUNCTION 0x08, floppy_get_parameters
        FUNCTION 0x15, floppy_kind
        FUNCTION 0x16, disk_ok
        FUNCTION OTHERS, disk_bad

; INT 1Eh: specify bytes, motor ticks, 512 bytes, sectors, gap, length, format gap, fill, times.
floppy_parameters:
        db 0xAF, 0x02, FLOPPY_MOTOR_TICKS, 2, 18, 0x1B, 0xFF, 0x6C, 0xF6, 0x0F, 0x08

; By CMOS code (0: none; 360K, 1.2M, 720K, 1.44M, 2.88M): last cylinder, sectors, data rate.
floppy_formats:
        db 0, 0, 0, 39, 9, 2, 79, 15, 0, 79, 9, 2, 79, 18, 0, 79, 36, 3

floppies_init:
        push BDA
        pop ds
        push DATA
        pop es
        mov al, 0x10
        call cmos_read
        mov ah, al
        shr al, 4
        and ah, 15
        mov [es:floppy_types], ax
        test ax, ax
        jz .end
        or word [BDA_EQUIPMENT], 1
        test ah, ah
        jz .end
        or word [BDA_EQUIPMENT], 0x40
.end:   ret

; The format of drive DL: CS:SI; CF: there is no such drive.
floppy_format:
        cmp dl, 1
        ja .none
        movzx si, dl
        movzx si, byte [es:si + floppy_types]
        cmp si, 5
        ja .none
        test si, si
        jz .none
        imul si, si, 3
        add si, floppy_formats
        clc
        ret
.none:  stc
        ret

floppy_get_parameters:
        call floppy_format
        jc .none
        mov ch, [cs:si]
        mov cl, [cs:si + 1]
        mov [bp + R_CX], cx
        movzx bx, dl
        movzx ax, byte [es:bx + floppy_types]
        mov [bp + R_BX], ax
        mov ax, [BDA_EQUIPMENT]
        shr ax, 6
        and ax, 3
        inc ax
        mov ah, 1
        xchg al, ah             ; the last head, the number of drives
        mov [bp + R_DH], al
        mov [bp + R_DL], ah
        mov word [bp + R_DI], floppy_parameters
        mov word [bp + R_ES], cs
        mov byte [bp + R_AL], 0
        jmp disk_ok
.none:  xor ax, ax
        mov [bp + R_CX], ax
        mov [bp + R_DX], ax
        mov [bp + R_BX], ax
        jmp disk_bad

floppy_kind:
        call floppy_format
        mov al, 0               ; no such drive
        jc .kind
        inc al                  ; without change line
.kind:  push ax
        call disk_ok
        pop ax
        mov [bp + R_AH], al
        ret

floppy_verify:
        call floppy_format
        jc disk_bad
        jmp disk_ok

floppy_read:
        mov byte [es:xfer_write], 0
        jmp floppy_transfer
floppy_write:
        mov byte [es:xfer_write], 1
floppy_transfer:
        call floppy_format
        jc disk_bad
        cmp ch, [cs:si]
        ja disk_bad
        test cl, cl
        jz disk_bad
        cmp cl, [cs:si + 1]
        ja disk_bad
        cmp dh, 1
        ja disk_bad
        movzx ax, al
        mov [es:xfer_count], ax
        mov word [es:xfer_done], 0
        mov ax, [bp + R_ES]
        mov [es:xfer_segment], ax
        mov [es:xfer_offset], bx
        call floppy_motor
.next:  cmp word [es:xfer_count], 0
        je .done
        call floppy_track
        jc .end
        mov cl, 1               ; the next track
        xor dh, 1
        jnz .next
        inc ch
        jmp .next
.done:  xor al, al
.end:   mov byte [BDA_FLOPPY_TIMEOUT], FLOPPY_MOTOR_TICKS
        mov ah, [es:xfer_done]
        mov [bp + R_AL], ah
        jmp disk_done

; As many sectors as this track has from cylinder CH, head DH, sector CL on. CF: AL is the error.
floppy_track:
        movzx ax, byte [cs:si + 1]
        inc al
        sub al, cl
        cmp ax, [es:xfer_count]
        jbe .piece
        mov ax, [es:xfer_count]
.piece: mov [es:xfer_piece], ax
        call floppy_seek
        jc .end
        call floppy_dma
        jc .end
        call floppy_go
        jc .end
        mov ax, [es:xfer_piece]
        sub [es:xfer_count], ax
        add [es:xfer_done], ax
        shl ax, 9
        add [es:xfer_offset], ax
        jnc .end
        add word [es:xfer_segment], 0x1000
        clc
.end:   ret

; Motor and selection of drive DL, and the data rate of format SI.
floppy_motor:
        push cx
        push dx
        mov byte [BDA_FLOPPY_TIMEOUT], 0xFF
        mov cl, dl
        mov al, 1
        shl al, cl
        mov [BDA_FLOPPY_MOTOR], al
        shl al, 4
        or al, dl
        or al, 0x0C             ; interrupts and DMA, no reset
        mov dx, FDC_DOR
        out dx, al
        mov dx, FDC_CCR
        mov al, [cs:si + 2]
        out dx, al
        pop dx
        pop cx
        ret

; Drive DL to cylinder CH, head DH. CF: AL is the error.
floppy_seek:
        mov al, 1
        push cx
        mov cl, dl
        shl al, cl
        pop cx
        push bx
        movzx bx, dl
        test [BDA_FLOPPY_RECALIBRATED], al
        jnz .known
        or [BDA_FLOPPY_RECALIBRATED], al
        mov al, 7               ; RECALIBRATE
        call floppy_start
        mov al, dl
        call floppy_send
        call floppy_sense
        jc .end
        mov byte [bx + BDA_FLOPPY_TRACK], 0
.known: cmp [bx + BDA_FLOPPY_TRACK], ch
        je .end                 ; CF = 0
        mov al, 0x0F            ; SEEK
        call floppy_start
        call floppy_send_unit
        mov al, ch
        call floppy_send
        call floppy_sense
        jc .end
        mov [bx + BDA_FLOPPY_TRACK], ch
        clc
.end:   pop bx
        ret

; The interrupt flag goes, then command AL.
floppy_start:
        and byte [BDA_FLOPPY_RECALIBRATED], 0x7F
floppy_send:                    ; AL; keeps all registers
        push cx
        push dx
        push ax
        mov dx, FDC_STATUS
        xor cx, cx
.wait:  in al, dx
        and al, 0xC0
        cmp al, 0x80
        loopne .wait
        pop ax
        inc dx
        out dx, al
        pop dx
        pop cx
        ret

floppy_send_unit:               ; head and drive
        mov al, dh
        shl al, 2
        or al, dl
        jmp floppy_send

; Until the interrupt comes. CF: it does not; AL = 80h.
floppy_wait:
        push ebx
        mov ebx, [BDA_TICKS]
        add ebx, FLOPPY_PATIENCE
.wait:  cli
        test byte [BDA_FLOPPY_RECALIBRATED], 0x80
        jnz .came
        cmp ebx, [BDA_TICKS]
        jb .late
        sti
        hlt
        jmp .wait
.came:  and byte [BDA_FLOPPY_RECALIBRATED], 0x7F
        sti
        clc
        pop ebx
        ret
.late:  sti
        mov al, DISK_TIMEOUT
        stc
        pop ebx
        ret

; The end of a seek. CF: AL is the error.
floppy_sense:
        call floppy_wait
        jc .end
        mov al, 8               ; SENSE INTERRUPT STATUS
        call floppy_send
        call floppy_results
        test byte [es:floppy_result], 0xC0
        jz .end                 ; CF = 0
        mov al, 0x40            ; seek failed
        stc
.end:   ret

; Result bytes, at most seven, into floppy_result. Changes AX.
floppy_results:
        push cx
        push dx
        push di
        mov di, floppy_result
        mov dx, FDC_STATUS
.next:  xor cx, cx
.wait:  in al, dx
        test al, 0x80
        loopz .wait
        test al, 0x40
        jz .end
        inc dx
        in al, dx
        dec dx
        cmp di, floppy_result + 7
        jae .end
        stosb
        jmp .next
.end:   pop di
        pop dx
        pop cx
        ret

; DMA channel 2 for the piece. CF: it crosses a multiple of 64 KiB; AL.
floppy_dma:
        push ecx
        call buffer_address
        movzx ecx, word [es:xfer_piece]
        shl ecx, 9
        dec ecx
        push eax
        add ax, cx
        jc .crosses
        pop eax
        push eax
        mov al, 6
        out DMA_MASK, al
        out DMA_FLIPFLOP, al
        mov al, [es:xfer_write]
        shl al, 2
        add al, 0x46
        out DMA_MODE, al
        pop eax
        out 4, al
        shr eax, 8
        out 4, al
        shr eax, 8
        out 0x81, al
        out DMA_FLIPFLOP, al
        mov al, cl
        out 5, al
        mov al, ch
        out 5, al
        mov al, 2
        out DMA_MASK, al
        clc
        pop ecx
        ret
.crosses:
        pop eax
        mov al, FLOPPY_CROSSES
        stc
        pop ecx
        ret

; READ DATA or WRITE DATA of the piece. CF: AL is the error.
floppy_go:
        mov al, 0xE6
        cmp byte [es:xfer_write], 0
        je .command
        mov al, 0xC5
.command:
        call floppy_start
        call floppy_send_unit
        mov al, ch
        call floppy_send
        mov al, dh
        call floppy_send
        mov al, cl
        call floppy_send
        mov al, 2               ; 512 bytes
        call floppy_send
        mov al, [cs:si + 1]
        call floppy_send
        mov al, 0x1B
        call floppy_send
        mov al, 0xFF
        call floppy_send
        call floppy_wait
        jc .late
        call floppy_results
        test byte [es:floppy_result], 0xC0
        jz .end                 ; CF = 0
        mov al, DISK_WRITE_PROTECTED
        test byte [es:floppy_result + 1], 2
        jnz .failed
        mov al, FLOPPY_NOT_FOUND
        test byte [es:floppy_result + 1], 5
        jnz .failed
        mov al, DISK_CONTROLLER
.failed:
        stc
.end:   ret
.late:  call floppy_stop
        mov al, DISK_TIMEOUT
        stc
        ret
FLOPPY_NOT_FOUND equ 4

floppy_reset:
        cmp byte [es:floppy_types], 0
        je disk_ok
        call floppy_stop
        jmp disk_ok

; The controller through its reset.
floppy_stop:
        pusha
        and byte [BDA_FLOPPY_RECALIBRATED], 0x70
        mov dx, FDC_DOR
        mov al, 0
        out dx, al
        mov al, 0x0C
        out dx, al
        mov byte [BDA_FLOPPY_MOTOR], 0
        call floppy_wait
        mov cx, 4
.sense: mov al, 8
        call floppy_send
        call floppy_results
        loop .sense
        mov al, 3               ; SPECIFY
        call floppy_send
        mov al, [cs:floppy_parameters]
        call floppy_send
        mov al, [cs:floppy_parameters + 1]
        call floppy_send
        popa
        ret

; Each tick: the motors stop some time after the last use. DS: BIOS data area; changes AX.
floppy_tick:
        cmp byte [BDA_FLOPPY_TIMEOUT], 0
        je .end
        dec byte [BDA_FLOPPY_TIMEOUT]
        jnz .end
        mov byte [BDA_FLOPPY_MOTOR], 0
        push dx
        mov dx, FDC_DOR
        mov al, 0x0C
        out dx, al
        pop dx
.end:   ret

int0e:
        push ax
        push ds
        push BDA
        pop ds
        or byte [BDA_FLOPPY_RECALIBRATED], 0x80
        mov al, 0x20
        out PIC1, al
        pop ds
        pop ax
        iret
