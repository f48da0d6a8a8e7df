; SPDX-License-Identifier: MIT
; INT 19h and 18h: the drives in the order of the CMOS (3Dh: first and second, 38h: third; 1 floppy,
; 2 hard disk, 3 CD, 4 network), or what was chosen from the menu (boot_menu.asm).

BOOT_SECTOR equ 0x7C00

int18:
        jmp boot_next

int19:
        push DATA
        pop es
        mov byte [es:boot_tried], 0
        call boot_menu
        jnc boot_next.kind
boot_next:
        cli
        xor ax, ax
        mov ss, ax
        mov sp, BOOT_SECTOR
        sti
        cld
        push BDA
        pop ds
        push DATA
        pop es
        call boot_choice
        jc .none
.kind:  test al, al
        jz .again
        cmp al, 4
        ja .again
        movzx bx, al
        shl bx, 1
        jmp [cs:bx + .kinds - 2]
.kinds: dw .floppy, .disk, .cd, .network
.again: jmp boot_next
.none:  mov si, text_none
        call print
.halt:  hlt
        jmp .halt

.network:
        mov si, text_no_network
        call print
        jmp boot_next

.floppy:
        cmp byte [es:floppy_types], 0
        je boot_next
        mov si, text_floppy
        call print
        mov dl, 0
        call load_boot_sector
        jc .failed
        cmp word [fs:BOOT_SECTOR + 510], 0xAA55
        jne .failed
        jmp start_boot_sector

.disk:  cmp byte [BDA_DISKS], 0
        je boot_next
        mov si, text_disk
        call print
        mov dl, 0x80
        call load_boot_sector
        jc .failed
        cmp word [fs:BOOT_SECTOR + 510], 0xAA55
        jne .failed
        jmp start_boot_sector

.cd:    cmp byte [es:cd_drive + DRIVE.type], DRIVE_NONE
        je boot_next
        mov si, text_cd
        call print
        call cd_boot
        jc .failed
        push ax
        push 0
        xor ax, ax
        jmp start_loaded
.failed:
        mov si, text_failed
        call print
        jmp boot_next

; The next device of the order: AL; CF: there are no more.
boot_choice:
        mov cl, [es:boot_tried]
        inc byte [es:boot_tried]
        cmp cl, 3
        cmc
        jc .end
        mov al, 0x38
        cmp cl, 2
        je .third
        mov al, 0x3D
.third: call cmos_read
        test cl, cl
        jz .low
        shr al, 4
.low:   and al, 15
        clc
.end:   ret

; The first sector of drive DL to 0:7C00; FS = 0. CF: it cannot be read.
load_boot_sector:
        push es
        mov cx, 3               ; tries
.try:   push cx
        xor ax, ax
        mov es, ax
        mov fs, ax
        mov bx, BOOT_SECTOR
        mov ax, 0x0201
        mov cx, 1
        mov dh, 0
        int 0x13
        pop cx
        jnc .end
        mov ah, 0
        int 0x13
        loop .try
        stc
.end:   pop es
        ret

start_boot_sector:
        push 0
        push BOOT_SECTOR
; Far return to the boot sector; DL: the drive.
start_loaded:
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        movzx edx, dl
        xor ebx, ebx
        xor ecx, ecx
        xor esi, esi
        xor edi, edi
        xor ebp, ebp
        mov eax, CD_SIGNATURE
        sti
        retf

text_floppy: db "Booting from floppy", 13, 10, 0
text_disk:   db "Booting from hard disk", 13, 10, 0
text_cd:     db "Booting from CD", 13, 10, 0
text_failed: db "Not bootable", 13, 10, 0
text_no_network: db "No network boot ROM", 13, 10, 0
text_none:   db "No bootable device.", 13, 10, 0
