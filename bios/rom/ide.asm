; SPDX-License-Identifier: MIT
; ATA disks on the two compatibility channels (ATA/ATAPI-6): found by IDENTIFY DEVICE, read and
; written by DMA where the PIIX is a bus master, else by PIO.

ATA_COUNT equ 2
ATA_LBA0 equ 3
ATA_LBA1 equ 4
ATA_LBA2 equ 5
ATA_DEVICE equ 6
ATA_STATUS equ 7
ATA_COMMAND equ 7
ATA_BUSY equ 0x80
ATA_FAULT equ 0x20
ATA_DRQ equ 0x08
ATA_ERROR equ 0x01
NO_INTERRUPT equ 0x0A           ; device control: nIEN

ide_init:
        call find_bus_master    ; DX, or 0
        mov bx, .channels
.next:  call ide_probe
        add bx, 8
        cmp bx, .channels_end
        jb .next
        ret
; Command block, control block, device, channel, interrupt.
.channels:
        dw 0x1F0, 0x3F6, 0x00A0, 14
        dw 0x1F0, 0x3F6, 0x00B0, 14
        dw 0x170, 0x376, 0x01A0, 15
        dw 0x170, 0x376, 0x01B0, 15
.channels_end:

; The bus master registers of the IDE function: DX; 0: there are none.
find_bus_master:
        xor dx, dx
        mov ecx, 0x0101
        call pci_find_class     ; BX: bus, device, function
        jc .end
        mov di, 0x20
        call pci_read
        test al, 1
        jz .end
        and al, 0xF0
        movzx edx, ax
        test dx, dx
        jz .end
        push dx
        mov di, 4
        call pci_read
        or al, 5                ; I/O, bus master
        call pci_write
        pop dx
.end:   ret

; The drive of the row at CS:BX, DX: bus master registers. Keeps BX and DX.
ide_probe:
        pusha
        mov si, bx
        push dx
        call ide_present
        pop dx
        jc .end
        je .cd
        call new_disk
        jc .end
        call ide_address
        call ide_geometry
        jc .end
        mov byte [es:di + DRIVE.type], DRIVE_IDE
        call disk_complete
        jmp .end
.cd:    mov di, cd_drive
        cmp byte [es:di + DRIVE.type], DRIVE_NONE
        jne .end                ; the first CD drive only
        call ide_address
        mov byte [es:di + DRIVE.type], DRIVE_CD
.end:   popa
        ret

; Ports of the row CS:SI to the drive ES:DI; DX: bus master registers of both channels.
ide_address:
        mov ax, [cs:si]
        mov [es:di + DRIVE.base], ax
        mov ax, [cs:si + 2]
        mov [es:di + DRIVE.control], ax
        mov ax, [cs:si + 4]
        mov [es:di + DRIVE.unit], al
        mov [es:di + DRIVE.channel], ah
        test dx, dx
        jz .master
        shl ah, 3
        add dl, ah
.master:
        mov [es:di + DRIVE.master], dx
        ret

; Identifies the drive of row CS:SI into SECTOR_BUFFER. CF: there is none; ZF: it is ATAPI.
ide_present:
        mov dx, [cs:si + 2]
        mov al, NO_INTERRUPT
        out dx, al
        mov dx, [cs:si]
        add dx, ATA_DEVICE
        mov al, [cs:si + 4]
        out dx, al
        call ide_delay
        inc dx                  ; status
        in al, dx
        cmp al, 0xFF
        je .none
        cmp al, 0x7F
        je .none
        ; Registers that keep what is written.
        mov dx, [cs:si]
        add dx, ATA_COUNT
        mov al, 0x55
        out dx, al
        inc dx
        mov al, 0xAA
        out dx, al
        in al, dx
        cmp al, 0xAA
        jne .none
        dec dx
        in al, dx
        cmp al, 0x55
        jne .none
        mov al, 0xEC            ; IDENTIFY DEVICE
        call ide_identify
        jnc .ata
        mov dx, [cs:si]
        add dx, ATA_LBA1
        in al, dx
        cmp al, 0x14            ; a packet device answers with its signature
        jne .none
        inc dx
        in al, dx
        cmp al, 0xEB
        jne .none
        mov al, 0xA1            ; IDENTIFY PACKET DEVICE
        call ide_identify
        jc .none
        cmp al, al
        ret
.ata:   or al, 1                ; ZF = 0, CF = 0
        ret
.none:  stc
        ret

; Command AL of row CS:SI: 512 bytes into SECTOR_BUFFER. CF: refused.
ide_identify:
        mov dx, [cs:si]
        add dx, ATA_COMMAND
        out dx, al
        call ide_delay
        call start_waiting
.wait:  in al, dx
        test al, al
        jz .bad                 ; nobody is selected
        test al, ATA_BUSY
        jz .ready
        call still_waiting
        jae .wait
        jmp .bad
.ready: test al, ATA_ERROR | ATA_FAULT
        jnz .bad
        test al, ATA_DRQ
        jz .bad
        push es
        push di
        push cx
        mov cx, SECTOR_BUFFER
        mov es, cx
        xor di, di
        mov cx, 128
        mov dx, [cs:si]
        rep insd
        pop cx
        pop di
        pop es
        clc
        ret
.bad:   stc
        ret

; 400 ns: four reads of a status register.
ide_delay:
        push ax
        push dx
        mov dx, [cs:si + 2]
        in al, dx
        in al, dx
        in al, dx
        in al, dx
        pop dx
        pop ax
        ret

; Sizes out of SECTOR_BUFFER into the drive ES:DI. CF: the drive has no LBA.
ide_geometry:
        push ds
        push SECTOR_BUFFER
        pop ds
        test byte [49 * 2 + 1], 2
        stc
        jz .end
        mov ax, [1 * 2]
        mov [es:di + DRIVE.cylinders], ax
        mov ax, [3 * 2]
        mov [es:di + DRIVE.heads], ax
        mov ax, [6 * 2]
        mov [es:di + DRIVE.spt], ax
        mov eax, [60 * 2]
        xor edx, edx
        test byte [83 * 2 + 1], 4
        jz .sectors
        mov eax, [100 * 2]
        mov edx, [102 * 2]
.sectors:
        mov [es:di + DRIVE.sectors], eax
        mov [es:di + DRIVE.sectors + 4], edx
        clc
.end:   pop ds
        ret

; The piece of the transfer (xfer_*) by drive ES:DI: AL status.
ide_piece:
        call start_waiting
        mov dx, [es:di + DRIVE.base]
        add dx, ATA_STATUS
.idle:  in al, dx
        test al, ATA_BUSY | ATA_DRQ
        jz .ready
        call still_waiting
        jae .idle
        mov al, DISK_TIMEOUT
        ret
.ready: cmp word [es:di + DRIVE.master], 0
        jne ide_dma
        mov al, [es:xfer_write]
        shl al, 4
        add al, 0x20            ; READ or WRITE SECTORS
        mov ah, 0x24
        call ide_command
        jmp ide_pio

; The registers for the piece, then command AL, or AL with 48 bits of address: AH = 24h, 25h
; (read; write is 10h more).
ide_command:
        push ax
        mov dx, [es:di + DRIVE.base]
        add dx, ATA_DEVICE
        mov eax, [es:xfer_lba]
        movzx ecx, word [es:xfer_piece]
        add eax, ecx
        jc .wide
        cmp dword [es:xfer_lba + 4], 0
        jne .wide
        cmp eax, 0x10000000
        ja .wide
        mov al, [es:xfer_lba + 3]
        or al, 0x40             ; LBA
        or al, [es:di + DRIVE.unit]
        out dx, al
        call .low
        pop ax
        jmp .go
.wide:  mov al, [es:di + DRIVE.unit]
        or al, 0x40
        out dx, al
        sub dx, ATA_DEVICE - ATA_COUNT
        mov al, 0
        out dx, al
        inc dx
        mov al, [es:xfer_lba + 3]
        out dx, al
        inc dx
        mov al, [es:xfer_lba + 4]
        out dx, al
        inc dx
        mov al, [es:xfer_lba + 5]
        out dx, al
        call .low
        pop ax
        mov al, [es:xfer_write]
        shl al, 4
        add al, ah
.go:    mov dx, [es:di + DRIVE.base]
        add dx, ATA_COMMAND
        out dx, al
        mov dx, [es:di + DRIVE.control]
        in al, dx               ; 400 ns
        in al, dx
        in al, dx
        in al, dx
        ret
.low:   mov dx, [es:di + DRIVE.base]
        add dx, ATA_COUNT
        mov al, [es:xfer_piece]
        out dx, al
        inc dx
        mov al, [es:xfer_lba]
        out dx, al
        inc dx
        mov al, [es:xfer_lba + 1]
        out dx, al
        inc dx
        mov al, [es:xfer_lba + 2]
        out dx, al
        ret

; Sector by sector through the data register: AL status.
ide_pio:
        mov cx, [es:xfer_piece]
        mov si, [es:xfer_offset]
        mov ax, [es:xfer_segment]
        mov fs, ax
.sector:
        call ide_wait
        jc .end
        test al, ATA_DRQ
        jz .error
        push cx
        mov cx, 128
        mov dx, [es:di + DRIVE.base]
        cmp byte [es:xfer_write], 0
        jne .write
        push es
        push di
        mov di, si
        push fs
        pop es
        rep insd
        mov si, di
        pop di
        pop es
        jmp .moved
.write: fs rep outsd
.moved: pop cx
        loop .sector
        call ide_wait
        jc .end
        xor al, al
.end:   ret
.error: mov al, DISK_CONTROLLER
        ret

; Until the drive ES:DI is not busy: AL its status; CF: AL is an error.
ide_wait:
        call start_waiting
        mov dx, [es:di + DRIVE.base]
        add dx, ATA_STATUS
.wait:  in al, dx
        test al, ATA_BUSY
        jz .ready
        call still_waiting
        jae .wait
        mov al, DISK_TIMEOUT
        stc
        ret
.ready: test al, ATA_ERROR | ATA_FAULT
        jnz .error
        clc
        ret
.error: mov al, DISK_CONTROLLER
        stc
        ret

; By bus master (Intel PIIX datasheet "Bus Master IDE"): AL status.
MASTER_START equ 1
MASTER_TO_MEMORY equ 8
ide_dma:
        call ide_descriptors
        mov dx, [es:di + DRIVE.master]
        mov al, 0
        out dx, al
        add dx, 2
        in al, dx
        or al, 6                ; clear interrupt and error
        out dx, al
        add dx, 2
        mov eax, PRD_TABLE << 4
        out dx, eax
        mov al, [es:xfer_write]
        shl al, 1
        add al, 0xC8            ; READ or WRITE DMA
        mov ah, 0x25
        call ide_command
        mov dx, [es:di + DRIVE.master]
        call .direction
        or al, MASTER_START
        out dx, al
        call start_waiting
.wait:  mov dx, [es:di + DRIVE.master]
        add dx, 2
        in al, dx
        mov ah, al
        mov dx, [es:di + DRIVE.control]
        in al, dx               ; alternate status
        test al, ATA_BUSY | ATA_DRQ
        jnz .busy
        test ah, 1
        jz .done
        test al, ATA_ERROR
        jnz .done
.busy:  call still_waiting
        jae .wait
        call .stop
        mov al, DISK_TIMEOUT
        ret
.done:  call .stop
        call ide_wait
        jc .end
        test ah, 2
        mov al, 0
        jz .end
        mov al, DISK_CONTROLLER
.end:   ret
.stop:  mov dx, [es:di + DRIVE.master]
        call .direction
        out dx, al
        add dx, 2
        in al, dx
        mov ah, al
        or al, 6
        out dx, al
        ret
.direction:
        mov al, [es:xfer_write]
        xor al, 1
        shl al, 3
        ret

; The buffer as descriptors: none may cross a multiple of 64 KiB.
ide_descriptors:
        push es
        call buffer_address
        movzx ecx, word [es:xfer_piece]
        shl ecx, 9
        mov bx, PRD_TABLE
        mov es, bx
        xor si, si
.next:  mov [es:si], eax
        movzx ebx, ax
        neg ebx
        add ebx, 0x10000        ; up to the boundary
        cmp ebx, ecx
        jbe .part
        mov ebx, ecx
.part:  mov [es:si + 4], bx
        mov word [es:si + 6], 0
        add eax, ebx
        sub ecx, ebx
        jz .last
        add si, 8
        jmp .next
.last:  mov word [es:si + 6], 0x8000
        pop es
        ret
