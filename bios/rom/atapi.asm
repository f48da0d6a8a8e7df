; SPDX-License-Identifier: MIT
; CD drives: PACKET commands by PIO (ATA/ATAPI-6, MMC). Blocks of 2048 bytes.

CD_BLOCK equ 2048
CD_PIECE equ 16                 ; blocks
CD_TRIES equ 5                  ; the first commands report a new medium

; The transfer of xfer_*, in blocks: AL status.
cd_transfer:
        cmp byte [es:xfer_write], 0
        jne .protected
.next:  mov cx, [es:xfer_count]
        jcxz .done
        cmp cx, CD_PIECE
        jbe .piece
        mov cx, CD_PIECE
.piece: mov [es:xfer_piece], cx
        call normalize_buffer
        cmp dword [es:xfer_lba + 4], 0
        mov al, DISK_BAD_PARAMETER
        jne .end
        call cd_read
        test al, al
        jnz .end
        mov ax, [es:xfer_piece]
        sub [es:xfer_count], ax
        add [es:xfer_done], ax
        movzx ecx, ax
        add [es:xfer_lba], ecx
        shl ax, 7               ; paragraphs
        add [es:xfer_segment], ax
        jmp .next
.done:  xor al, al
.end:   ret
.protected:
        mov al, DISK_WRITE_PROTECTED
        ret

; xfer_piece blocks from xfer_lba to the buffer: AL status.
cd_read:
        mov cx, CD_TRIES
.try:   push cx
        mov dword [es:cd_packet], 0x28 ; READ(10)
        mov eax, [es:xfer_lba]
        bswap eax
        mov [es:cd_packet + 2], eax
        mov dword [es:cd_packet + 6], 0
        mov ax, [es:xfer_piece]
        xchg al, ah
        mov [es:cd_packet + 7], ax
        mov dword [es:cd_packet + 9], 0
        mov di, cd_drive
        call cd_command
        pop cx
        test al, al
        jz .end
        loop .try
.end:   ret

; cd_packet to the drive, its data to the buffer: AL status.
cd_command:
        call start_waiting
        mov dx, [es:di + DRIVE.base]
        add dx, ATA_DEVICE
        mov al, [es:di + DRIVE.unit]
        out dx, al
        inc dx
.idle:  in al, dx
        test al, ATA_BUSY | ATA_DRQ
        jz .select
        call still_waiting
        jae .idle
        jmp .timeout
.select:
        sub dx, ATA_STATUS - 1
        mov al, 0               ; features: PIO
        out dx, al
        add dx, 3
        mov al, CD_BLOCK & 0xFF ; bytes at a time
        out dx, al
        inc dx
        mov al, CD_BLOCK >> 8
        out dx, al
        add dx, 2
        mov al, 0xA0            ; PACKET
        out dx, al
        call ide_wait
        jc .end
        test al, ATA_DRQ
        jz .error
        push ds
        push es
        pop ds
        mov si, cd_packet
        mov cx, 6
        mov dx, [es:di + DRIVE.base]
        rep outsw
        pop ds
        mov ax, [es:xfer_segment]
        mov fs, ax
        mov si, [es:xfer_offset]
.data:  call ide_wait
        jc .end
        test al, ATA_DRQ
        jz .good
        mov dx, [es:di + DRIVE.base]
        add dx, ATA_LBA1
        in al, dx
        mov cl, al
        inc dx
        in al, dx
        mov ch, al
        shr cx, 1
        mov dx, [es:di + DRIVE.base]
        push es
        push di
        push fs
        pop es
        mov di, si
        rep insw
        mov si, di
        pop di
        pop es
        jmp .data
.good:  xor al, al
.end:   ret
.error: mov al, DISK_CONTROLLER
        ret
.timeout:
        mov al, DISK_TIMEOUT
        ret

; Block EAX into SECTOR_BUFFER: AL status, ZF: good. Changes only AX.
cd_read_block:
        inc eax
        cmp [es:cd_cached], eax
        je .cached
        push ds
        push fs
        pushad
        push BDA
        pop ds
        mov [es:cd_cached], eax
        dec eax
        mov [es:xfer_lba], eax
        mov dword [es:xfer_lba + 4], 0
        mov word [es:xfer_piece], 1
        mov word [es:xfer_segment], SECTOR_BUFFER
        mov word [es:xfer_offset], 0
        call cd_read
        test al, al
        jz .read
        mov dword [es:cd_cached], 0
.read:  mov bp, sp
        mov [bp + R_AL], al
        popad
        pop fs
        pop ds
        test al, al
        ret
.cached:
        xor al, al
        ret
