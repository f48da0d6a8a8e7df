; SPDX-License-Identifier: MIT
; Booting from CD ("El Torito" Bootable CD-ROM Format Specification 1.0): the default entry, without
; emulation or as a floppy or hard disk. Not there: the choice of other entries.

BOOT_RECORD_BLOCK equ 17
CD_SIGNATURE equ 0xAA55

emulation_functions:
        FUNCTION 0x00, disk_ok
        FUNCTION 0x01, disk_last_status
        FUNCTION 0x02, emulated_read
        FUNCTION 0x03, emulated_write
        FUNCTION 0x04, disk_ok
        FUNCTION 0x08, emulated_parameters
        FUNCTION 0x0C, disk_ok
        FUNCTION 0x0D, disk_ok
        FUNCTION 0x10, disk_ok
        FUNCTION 0x11, disk_ok
        FUNCTION 0x15, emulated_type
        FUNCTION 0x4B, eltorito_status
        FUNCTION OTHERS, disk_bad

; Loads what the CD boots. CF: it does not; else AX segment and DL drive to start with.
; ES: our data.
cd_boot:
        mov di, cd_drive
        cmp byte [es:di + DRIVE.type], DRIVE_NONE
        je .bad
        mov dword [es:cd_cached], 0
        mov eax, BOOT_RECORD_BLOCK
        call cd_read_block
        jnz .bad
        push SECTOR_BUFFER
        pop gs
        cmp dword [gs:1], "CD00"
        jne .bad
        cmp dword [gs:7], "EL T"
        jne .bad
        cmp dword [gs:11], "ORIT"
        jne .bad
        mov eax, [gs:0x47]
        call cd_read_block      ; the catalog
        jnz .bad
        cmp byte [gs:0], 1
        jne .bad
        cmp word [gs:0x1E], CD_SIGNATURE
        jne .bad
        cmp byte [gs:0x20], 0x88
        jne .bad
        call cd_entry
        call cd_load
        test al, al
        jnz .bad
        mov byte [es:cd_active], 1
        mov al, [es:cd_emulation]
        mov dl, FIRST_CD
        test al, al
        jz .start
        mov dl, 0
        cmp al, 4
        jb .emulated
        mov dl, 0x80
.emulated:
        mov [es:cd_emulated], dl
        call cd_geometry
.start: mov ax, [es:cd_segment]
        clc
        ret
.bad:   stc
        ret

; The default entry of the catalog at GS.
cd_entry:
        mov al, [gs:0x21]
        and al, 15
        mov [es:cd_emulation], al
        mov ax, [gs:0x22]
        test ax, ax
        jnz .segment
        mov ax, 0x07C0
.segment:
        mov [es:cd_segment], ax
        mov ax, [gs:0x26]
        mov [es:cd_load_count], ax
        mov eax, [gs:0x28]
        mov [es:cd_image], eax
        ret

; cd_load_count sectors of 512 bytes to cd_segment: AL status. Whole blocks go straight there; of
; the last block only as much as was asked for.
cd_load:
        mov byte [es:xfer_write], 0
        mov eax, [es:cd_image]
        mov [es:xfer_lba], eax
        mov dword [es:xfer_lba + 4], 0
        mov ax, [es:cd_segment]
        mov [es:xfer_segment], ax
        mov word [es:xfer_offset], 0
        mov ax, [es:cd_load_count]
        shr ax, 2
        mov [es:xfer_count], ax
        mov di, cd_drive
        call disk_transfer
        test al, al
        jnz .end
        mov cx, [es:cd_load_count]
        and cx, 3
        jz .end
        mov eax, [es:xfer_lba]
        push word [es:xfer_segment]
        call cd_read_block
        pop dx
        jnz .end
        push ds
        push es
        push SECTOR_BUFFER
        pop ds
        mov es, dx
        xor si, si
        xor di, di
        shl cx, 7
        rep movsd
        pop es
        pop ds
        xor al, al
.end:   ret

; The geometry of the emulated medium; of a hard disk by its first partition's end. GS is changed.
cd_geometry:
        movzx si, byte [es:cd_emulation]
        cmp si, 4
        je .disk
        movzx ax, byte [cs:si + .floppy_sectors - 1]
        mov [es:cd_spt], ax
        mov word [es:cd_heads], 2
        mov word [es:cd_cylinders], 80
        push BDA
        pop ds
        or word [BDA_EQUIPMENT], 0x41
        ret
.disk:  push BDA
        pop ds
        inc byte [BDA_DISKS]
        mov eax, [es:cd_image]
        call cd_read_block
        push SECTOR_BUFFER
        pop gs
        mov al, [gs:0x1BE + 5]
        mov ah, 0
        inc ax
        mov [es:cd_heads], ax
        mov cx, [gs:0x1BE + 6]
        mov ax, cx
        and ax, 0x3F
        mov [es:cd_spt], ax
        mov al, ch
        mov ah, cl
        shr ah, 6
        inc ax
        mov [es:cd_cylinders], ax
        ret
.floppy_sectors: db 15, 18, 36

; AX=4B00h ends the emulation, 4B01h only tells about it: 13h bytes to the caller's DS:SI.
eltorito_status:
        cmp byte [es:cd_active], 0
        je disk_bad
        cmp al, 1
        ja disk_bad
        push ds
        mov ds, [bp + R_DS]
        mov si, [bp + R_SI]
        mov byte [si], 0x13
        mov al, [es:cd_emulation]
        mov [si + 1], al
        mov ah, FIRST_CD
        test al, al
        jz .drive
        mov ah, [es:cd_emulated]
.drive: mov [si + 2], ah
        mov al, [es:cd_drive + DRIVE.channel]
        mov [si + 3], al
        mov eax, [es:cd_image]
        mov [si + 4], eax
        mov al, [es:cd_drive + DRIVE.unit]
        shr al, 4
        and ax, 1
        mov [si + 8], ax
        mov word [si + 10], 0
        mov ax, [es:cd_segment]
        mov [si + 12], ax
        mov ax, [es:cd_load_count]
        mov [si + 14], ax
        mov ax, [es:cd_cylinders]
        mov [si + 16], al
        shl ah, 6
        or ah, [es:cd_spt]
        mov [si + 17], ah
        mov al, [es:cd_heads]
        mov [si + 18], al
        pop ds
        cmp byte [bp + R_AL], 0
        jne disk_ok
        mov byte [es:cd_emulation], 0
        jmp disk_ok

emulated_write:
        mov al, DISK_WRITE_PROTECTED
        jmp disk_done

emulated_parameters:
        mov ax, [es:cd_cylinders]
        dec ax
        mov ch, al
        shl ah, 6
        mov cl, ah
        or cl, [es:cd_spt]
        mov [bp + R_CX], cx
        mov al, [es:cd_heads]
        dec al
        mov [bp + R_DH], al
        mov byte [bp + R_DL], 1
        mov byte [bp + R_AL], 0
        cmp byte [es:cd_emulation], 4
        je .disk
        mov word [bp + R_BX], 4
        mov word [bp + R_DI], floppy_parameters
        mov word [bp + R_ES], cs
        jmp disk_ok
.disk:  mov al, [BDA_DISKS]
        mov [bp + R_DL], al
        jmp disk_ok

emulated_type:
        call disk_ok
        mov al, 1
        cmp byte [es:cd_emulation], 4
        jne .type
        mov al, 3
.type:  mov [bp + R_AH], al
        ret

; AH=02h: sectors of 512 bytes, each out of its block.
emulated_read:
        call emulated_lba
        jc disk_bad
        mov dx, [bp + R_ES]
        movzx cx, byte [bp + R_AL]
        jcxz .done
.next:  push eax
        mov bx, ax
        shr eax, 2
        add eax, [es:cd_image]
        call cd_read_block
        pop eax
        jnz .failed
        call .copy
        inc eax
        add dx, 0x20
        loop .next
.done:  jmp disk_ok
.failed:
        mov al, [bp + R_AL]
        sub al, cl
        mov [bp + R_AL], al
        mov al, DISK_CONTROLLER
        jmp disk_done
; Sector BX of the block to DX and the caller's offset.
.copy:  push ds
        push es
        push cx
        push SECTOR_BUFFER
        pop ds
        mov es, dx
        mov si, bx
        and si, 3
        shl si, 9
        mov di, [bp + R_BX]
        mov cx, 128
        rep movsd
        pop cx
        pop es
        pop ds
        ret

; The sector of CX and DH in the image: EAX. CF: it has none.
emulated_lba:
        mov al, cl
        shr al, 6
        mov ah, al
        mov al, ch
        cmp ax, [es:cd_cylinders]
        jae .bad
        movzx eax, ax
        movzx esi, word [es:cd_heads]
        movzx ebx, dh
        cmp ebx, esi
        jae .bad
        imul eax, esi
        add eax, ebx
        movzx esi, word [es:cd_spt]
        and ecx, 0x3F
        jz .bad
        cmp ecx, esi
        ja .bad
        imul eax, esi
        lea eax, [eax + ecx - 1]
        clc
        ret
.bad:   stc
        ret
