; SPDX-License-Identifier: MIT
; The boot menu: with -boot menu=on, F12 or Esc within some seconds; without it only if F12 has
; been typed by now. A disk that is chosen becomes 80h.

MENU_TICKS equ 55               ; three seconds
KEY_F12 equ 0x86                ; scan codes
KEY_ESC equ 0x01
MENU_FLOPPY equ 1               ; as the CMOS has them
MENU_DISK equ 2
MENU_CD equ 3

; What was chosen: AL as boot_choice gives it; CF: nothing, the order of the CMOS counts. DS: BIOS
; data area, ES: our data.
boot_menu:
        push BDA
        pop ds
        sti
        test byte [cs:header_flags], FLAG_MENU
        jz .typed
        mov si, text_menu_prompt
        call print
        mov ecx, [BDA_TICKS]
        add ecx, MENU_TICKS
.wait:  call .asked
        jnc .menu
        mov ah, 0x11
        int 0x16
        jnz .none               ; another key: boot on, it stays for who boots
        hlt
        cmp [BDA_TICKS], ecx
        jb .wait
.none:  stc
        ret
.typed: call .asked
        jc .none
.menu:  call menu_show
.key:   mov ah, 0x10
        int 0x16
        cmp ah, KEY_ESC
        je .none
        sub al, '1'
        jb .key
        call menu_entry
        jc .key
        cmp al, MENU_DISK
        jne .chosen
        call disk_first
.chosen:
        clc
        ret
; The next key is F12 or Esc and taken; CF: it is not.
.asked: mov ah, 0x11
        int 0x16
        jz .no
        cmp ah, KEY_F12
        je .yes
        cmp ah, KEY_ESC
        jne .no
.yes:   mov ah, 0x10
        int 0x16
        clc
        ret
.no:    stc
        ret

menu_show:
        mov si, text_menu
        call print
        xor bx, bx
.next:  mov al, bl
        call menu_entry
        jc .end
        push ax
        mov al, bl
        add al, '1'
        call print_character
        pop ax
        cbw
        xchg ah, al             ; AH: kind, AL: which disk
        mov al, dl
        mov si, text_menu_floppy
        cmp ah, MENU_FLOPPY
        je .print
        mov si, text_menu_cd
        cmp ah, MENU_CD
        je .print
        mov si, text_menu_disk
        call print
        add al, '1'
        call print_character
        mov si, text_menu_line
.print: call print
        inc bx
        jmp .next
.end:   mov si, text_menu_end
        jmp print

; Line AL of the menu, from 0: AL the kind, DL which disk. CF: there is none. Keeps the others.
menu_entry:
        push cx
        mov cl, al
        mov al, MENU_FLOPPY
        cmp byte [es:floppy_types], 0
        je .no_floppy
        sub cl, 1
        jb .found
.no_floppy:
        mov al, MENU_DISK
        mov dl, cl
        sub cl, [BDA_DISKS]
        jb .found
        mov al, MENU_CD
        cmp byte [es:cd_drive + DRIVE.type], DRIVE_NONE
        je .none
        cmp cl, 1
        cmc
        jc .none
.found: clc
        jmp .end
.none:  stc
.end:   pop cx
        ret

; Disk DL changes places with the first one.
disk_first:
        pusha
        movzx di, dl
        imul di, di, DRIVE_size
        mov si, drives
        mov cx, DRIVE_size
.byte:  mov al, [es:si]
        xchg al, [es:di]
        mov [es:si], al
        inc si
        inc di
        loop .byte
        popa
        ret

text_menu_prompt: db "F12 or Esc: boot menu", 13, 10, 0
text_menu:        db "Boot menu", 13, 10, 0
text_menu_floppy: db ". Floppy disk", 13, 10, 0
text_menu_disk:   db ". Hard disk ", 0
text_menu_cd:     db ". CD", 13, 10, 0
text_menu_line:   db 13, 10, 0
text_menu_end:    db "Esc: the usual order", 13, 10, 0
