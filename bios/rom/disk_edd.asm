; SPDX-License-Identifier: MIT
; INT 13h extensions (Enhanced Disk Drive Specification 3.0): access by block number.
; Not there: buffers above 1 MiB, DPTE; device paths of other disks than ATA.

edd_check:
        cmp bx, 0x55AA
        jne disk_bad
        mov word [bp + R_BX], 0xAA55
        mov word [bp + R_CX], 7 ; packets, locking, parameters
        call disk_ok
        mov byte [bp + R_AH], 0x30
        ret

edd_read:
        mov byte [es:xfer_write], 0
        jmp edd_transfer
edd_write:
        mov byte [es:xfer_write], 1
edd_transfer:
        call edd_packet
        jc disk_bad
        call disk_transfer
        push ds
        mov ds, [bp + R_DS]
        mov si, [bp + R_SI]
        mov cx, [es:xfer_done]
        mov [si + 2], cx
        pop ds
        jmp disk_done

edd_verify:
        call edd_packet
        jc disk_bad
        jmp disk_ok

; The packet at DS:SI of the caller; CF: it is bad.
edd_packet:
        push ds
        mov ds, [bp + R_DS]
        mov si, [bp + R_SI]
        cmp byte [si], 0x10
        jb .bad
        mov ax, [si + 2]
        cmp ax, 0x80            ; of 512 bytes: 64 KiB
        ja .bad
        mov [es:xfer_count], ax
        mov ax, [si + 4]
        mov [es:xfer_offset], ax
        mov ax, [si + 6]
        mov [es:xfer_segment], ax
        mov eax, [si + 8]
        mov [es:xfer_lba], eax
        mov eax, [si + 12]
        mov [es:xfer_lba + 4], eax
        pop ds
        clc
        ret
.bad:   pop ds
        stc
        ret

EDD_PATH equ 0x1E               ; the device path in the parameters: up to 42h
EDD_END equ 0x42

; 1Ah bytes of parameters to the caller's DS:SI, or 1Eh, or 42h, as it has room.
edd_parameters:
        push ds
        mov ds, [bp + R_DS]
        mov si, [bp + R_SI]
        cmp word [si], 0x1A
        jb .bad
        mov cx, 0x1A
        cmp word [si], 0x1E
        jb .size
        mov cx, 0x1E
        mov dword [si + 0x1A], -1 ; no DPTE
        cmp word [si], EDD_END
        jb .size
        cmp byte [es:di + DRIVE.type], DRIVE_IDE
        jne .size
        call edd_path
        mov cx, EDD_END
.size:  mov [si], cx
        cmp byte [es:di + DRIVE.type], DRIVE_CD
        je .cd
        mov word [si + 2], 2    ; the geometry is valid
        movzx eax, word [es:di + DRIVE.cylinders]
        mov [si + 4], eax
        movzx eax, word [es:di + DRIVE.heads]
        mov [si + 8], eax
        movzx eax, word [es:di + DRIVE.spt]
        mov [si + 0x0C], eax
        mov eax, [es:di + DRIVE.sectors]
        mov [si + 0x10], eax
        mov eax, [es:di + DRIVE.sectors + 4]
        mov [si + 0x14], eax
        mov word [si + 0x18], 512
.good:  pop ds
        jmp disk_ok
.cd:    mov word [si + 2], 0x74 ; removable, change line, lockable, no medium sizes
        or eax, -1
        mov [si + 4], eax
        mov [si + 8], eax
        mov [si + 0x0C], eax
        mov [si + 0x10], eax
        mov [si + 0x14], eax
        mov word [si + 0x18], 2048
        jmp .good
.bad:   pop ds
        jmp disk_bad

; The path of the ATA disk ES:DI at DS:SI + 1Eh: key, length, bus, interface, their addresses, and
; the sum of all made zero.
edd_path:
        pushad
        mov bp, sp
        mov ecx, 0x0101
        call pci_find_class     ; the IDE function: BX
        add si, EDD_PATH
        xor eax, eax
        mov cx, (EDD_END - EDD_PATH) / 4
.clear: mov [si], eax
        add si, 4
        loop .clear
        mov si, [bp + R_SI]
        mov dword [si + 0x1E], 0x24 << 16 | 0xBEDD
        mov dword [si + 0x24], "PCI "
        mov dword [si + 0x28], "ATA "
        mov dword [si + 0x2C], "    "
        mov al, bl
        shr al, 3
        mov [si + 0x31], al
        and bl, 7
        mov [si + 0x32], bl
        mov di, [bp + R_DI]
        mov al, [es:di + DRIVE.channel]
        mov [si + 0x33], al
        mov al, [es:di + DRIVE.unit]
        shr al, 4
        and al, 1
        mov [si + 0x38], al
        mov cx, EDD_END - EDD_PATH
        xor al, al
.sum:   sub al, [si + EDD_PATH]
        inc si
        loop .sum
        mov si, [bp + R_SI]
        mov [si + EDD_END - 1], al
        popad
        ret
