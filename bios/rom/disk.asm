; SPDX-License-Identifier: MIT
; INT 13h: which drive, which function; the functions of hard disks by cylinder, head and sector.
; DS: BIOS data area, ES: our data, ES:DI: the drive.

; Status codes.
DISK_BAD_PARAMETER equ 0x01
DISK_WRITE_PROTECTED equ 0x03
DISK_NOT_FOUND equ 0x04
DISK_CONTROLLER equ 0x20
DISK_TIMEOUT equ 0x80
FIRST_CD equ 0xE0

disk_functions:
        FUNCTION 0x00, disk_ok
        FUNCTION 0x01, disk_last_status
        FUNCTION 0x02, disk_read
        FUNCTION 0x03, disk_write
        FUNCTION 0x04, disk_verify
        FUNCTION 0x08, disk_parameters
        FUNCTION 0x09, disk_ok
        FUNCTION 0x0C, disk_ok
        FUNCTION 0x0D, disk_ok
        FUNCTION 0x10, disk_ok
        FUNCTION 0x11, disk_ok
        FUNCTION 0x14, disk_ok
        FUNCTION 0x15, disk_type
        FUNCTION 0x41, edd_check
        FUNCTION 0x42, edd_read
        FUNCTION 0x43, edd_write
        FUNCTION 0x44, edd_verify
        FUNCTION 0x47, disk_ok
        FUNCTION 0x48, edd_parameters
        FUNCTION OTHERS, disk_bad

cd_functions:
        FUNCTION 0x00, disk_ok
        FUNCTION 0x01, disk_last_status
        FUNCTION 0x41, edd_check
        FUNCTION 0x42, edd_read
        FUNCTION 0x44, edd_verify
        FUNCTION 0x45, disk_lock
        FUNCTION 0x47, disk_ok
        FUNCTION 0x48, edd_parameters
        FUNCTION 0x4B, eltorito_status
        FUNCTION OTHERS, disk_bad

int13:
        sti
        push ds
        push es
        pushad
        mov bp, sp
        cld
        push BDA
        pop ds
        push DATA
        pop es
        cmp byte [es:cd_emulation], 0
        je .no_emulation
        cmp ah, 0x4B
        je .emulated
        cmp dl, [es:cd_emulated]
        je .emulated
        call behind_emulated
.no_emulation:
        test dl, 0x80
        jz .floppy
        cmp dl, FIRST_CD
        je .cd
        movzx di, dl
        sub di, 0x80
        cmp di, MAX_DISKS
        jae .none
        imul di, di, DRIVE_size
        cmp byte [es:di + DRIVE.type], DRIVE_NONE
        je .none
        mov si, disk_functions
        jmp dispatch.next
.cd:    mov di, cd_drive
        cmp byte [es:di + DRIVE.type], DRIVE_NONE
        je .none
        mov si, cd_functions
        jmp dispatch.next
.emulated:
        mov si, emulation_functions
        jmp dispatch.next
.floppy:
        mov si, floppy_functions
        jmp dispatch.next
.none:  call disk_bad
        jmp leave_service

int40:  jmp int13

; Drives of the kind that a CD image takes the first place of are one further on.
behind_emulated:
        mov al, dl
        xor al, [es:cd_emulated]
        test al, 0x80
        jnz .end
        cmp dl, FIRST_CD
        jae .end
        dec dl
.end:   mov al, [bp + R_AL]
        ret

; The drives that there are, then what the BIOS data area says of them.
disks_init:
        push BDA
        pop ds
        push DATA
        pop es
        call ide_init
        jmp virtio_init

; A new disk: ES:DI, a zeroed drive; CF: there is no more room.
new_disk:
        movzx di, byte [BDA_DISKS]
        cmp di, MAX_DISKS
        cmc
        jc .end
        imul di, di, DRIVE_size
        clc
.end:   ret

; The drive at ES:DI is complete: its geometry as INT 13h shows it. With at most 1024 cylinders,
; and 16 heads, as the disk says; else 63 sectors and as few heads as possible (LBA assist).
disk_complete:
        pushad
        inc byte [BDA_DISKS]
        cmp word [es:di + DRIVE.spt], 0
        je .assist
        cmp word [es:di + DRIVE.cylinders], 0
        je .assist              ; smaller than a cylinder
        cmp word [es:di + DRIVE.cylinders], 1024
        jbe .end
.assist:
        mov word [es:di + DRIVE.spt], 63
        mov eax, [es:di + DRIVE.sectors]
        cmp dword [es:di + DRIVE.sectors + 4], 0
        jne .most
        xor edx, edx
        mov ecx, 63
        div ecx                 ; tracks
        mov ecx, 16
.heads: mov ebx, ecx
        shl ebx, 10
        cmp eax, ebx
        jbe .found
        shl ecx, 1
        cmp ecx, 256
        jb .heads
.most:  mov ecx, 255
.found: mov [es:di + DRIVE.heads], cx
        cmp dword [es:di + DRIVE.sectors + 4], 0
        jne .all
        xor edx, edx
        div ecx
        cmp eax, 1
        adc eax, 0              ; at least one
        cmp eax, 1024
        jbe .cylinders
.all:   mov ax, 1024
.cylinders:
        mov [es:di + DRIVE.cylinders], ax
.end:   popad
        ret

disk_bad:
        mov al, DISK_BAD_PARAMETER
        jmp disk_done
disk_ok:
        xor al, al
; The status AL: to the caller, and for function 01h.
disk_done:
        mov [BDA_DISK_STATUS], al
        mov [bp + R_AH], al
        test al, al
        jz clear_carry
        jmp set_carry

disk_last_status:
        mov al, [BDA_DISK_STATUS]
        mov [bp + R_AH], al
        mov byte [BDA_DISK_STATUS], 0
        test al, al
        jz clear_carry
        jmp set_carry

disk_lock:
        mov byte [bp + R_AL], 0
        jmp disk_ok

disk_read:
        mov byte [es:xfer_write], 0
        jmp chs_transfer
disk_write:
        mov byte [es:xfer_write], 1
chs_transfer:
        call chs_to_lba
        jc disk_bad
        movzx ax, byte [bp + R_AL]
        test al, al
        jz disk_bad
        mov [es:xfer_count], ax
        mov ax, [bp + R_ES]
        mov [es:xfer_segment], ax
        mov ax, [bp + R_BX]
        mov [es:xfer_offset], ax
        call disk_transfer
        push ax
        mov al, [es:xfer_done]
        mov [bp + R_AL], al
        pop ax
        jmp disk_done

disk_verify:
        call chs_to_lba
        jc disk_bad
        jmp disk_ok

; Cylinder, head and sector of CX and DH: xfer_lba; CF: the drive has no such sector.
chs_to_lba:
        mov al, cl
        shr al, 6
        mov ah, al
        mov al, ch
        cmp ax, [es:di + DRIVE.cylinders]
        jae .bad
        movzx bx, dh
        cmp bx, [es:di + DRIVE.heads]
        jae .bad
        and cx, 0x3F
        jz .bad
        cmp cx, [es:di + DRIVE.spt]
        ja .bad
        movzx eax, ax
        movzx esi, word [es:di + DRIVE.heads]
        imul eax, esi
        movzx ebx, bx
        add eax, ebx
        movzx esi, word [es:di + DRIVE.spt]
        imul eax, esi
        movzx ecx, cx
        lea eax, [eax + ecx - 1]
        mov [es:xfer_lba], eax
        mov dword [es:xfer_lba + 4], 0
        clc
        ret
.bad:   stc
        ret

disk_parameters:
        mov ax, [es:di + DRIVE.cylinders]
        dec ax
        mov ch, al
        shl ah, 6
        mov cl, ah
        or cl, [es:di + DRIVE.spt]
        mov [bp + R_CX], cx
        mov al, [es:di + DRIVE.heads]
        dec al
        mov [bp + R_DH], al
        mov al, [BDA_DISKS]
        mov [bp + R_DL], al
        mov byte [bp + R_AL], 0
        jmp disk_ok

; AH = 3: a hard disk; CX:DX its sectors.
disk_type:
        mov eax, [es:di + DRIVE.sectors]
        cmp dword [es:di + DRIVE.sectors + 4], 0
        je .fits
        or eax, -1
.fits:  mov [bp + R_DX], ax
        shr eax, 16
        mov [bp + R_CX], ax
        call disk_ok
        mov byte [bp + R_AH], 3
        ret
