; SPDX-License-Identifier: MIT
; What a PC's BIOS owes a program, asked by interrupts: one line of answer each, on COM2. The same
; image is a floppy disk, a hard disk with one partition, or either of them as El Torito has it on a
; CD. Lines hold only what every good BIOS answers; the rest is checked here and said as "ok".
; Ends by isa-debug-exit at F4h.

bits 16
cpu 386
org 0x7C00

SECTORS equ 16                  ; of this program, with the boot sector
COM equ 0x2F8
BUFFER equ 0xA000               ; free memory for reads: 0:A000

        jmp 0:start
start:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7C00
        sti
        cld
        mov [drive], dl
        mov dx, COM + 1         ; no interrupts, 115200 baud, 8N1
        mov al, 0
        out dx, al
        mov dx, COM + 3
        mov al, 0x83
        out dx, al
        mov dx, COM
        mov ax, 1
        out dx, al
        inc dx
        mov al, ah
        out dx, al
        mov dx, COM + 3
        mov al, 3
        out dx, al
        cmp dword [loaded], "LOAD"
        je tests                ; a CD without emulation loads the whole
        mov ah, 8
        mov dl, [drive]
        int 0x13
        jc fail
        xor ax, ax
        mov es, ax
        mov al, cl
        and al, 0x3F
        mov [spt], ax
        mov al, dh
        inc ax
        mov [heads], ax
        mov bp, 1
        mov bx, 0x7E00
.next:  mov ax, bp
        call read_lba
        jc fail
        add bx, 512
        inc bp
        cmp bp, SECTORS
        jb .next
        jmp tests

; Sector AX of the boot drive to ES:BX by CHS. CF: error.
read_lba:
        xor dx, dx
        div word [spt]
        mov cl, dl
        inc cl
        xor dx, dx
        div word [heads]
        mov dh, dl
        mov ch, al
        shl ah, 6
        or cl, ah
        mov dl, [drive]
        mov ax, 0x0201
        int 0x13
        ret

fail:   mov si, .text
        call puts
        jmp quit
.text:  db "the program cannot be read", 10, 0

quit:   mov dx, COM + 5         ; all of it is sent
.wait:  in al, dx
        test al, 0x40
        jz .wait
        mov al, 0x10
        out 0xF4, al
        hlt
        jmp $ - 1

putc:   push dx
        push ax
        mov dx, COM + 5
.wait:  in al, dx
        test al, 0x20
        jz .wait
        mov dx, COM
        pop ax
        out dx, al
        pop dx
        ret

puts:   push ax                 ; 0:SI, with DS = 0
.next:  lodsb
        test al, al
        jz .end
        call putc
        jmp .next
.end:   pop ax
        ret

drive:  db 0
spt:    dw 18
heads:  dw 2

%if $ - $$ > 446
%error "the boot sector is full"
%endif
        times 446 - ($ - $$) db 0
        db 0x80, 0, 2, 0, 6, 1, 18, 79 ; one partition: all but the first sector of 80x2x18
        dd 1, 2879
        times 510 - ($ - $$) db 0
        dw 0xAA55

%include "print.inc"

tests:
        call test_disk
        call test_cd
        call test_edd
        call test_keys
        call test_memory
        call test_time
        call test_pci
        call test_tables
        call test_screen
        call test_absent
        SAY "done"
        call newline
        jmp quit

%include "disk.inc"
%include "keys.inc"
%include "system.inc"

        times (SECTORS - 1) * 512 - ($ - $$) db 0
        times 508 db 0
loaded: dd "LOAD"

; The other sectors: each filled with its own number.
%assign n SECTORS
%rep 2880 - SECTORS
        times 128 dw n, ~n & 0xFFFF
%assign n n + 1
%endrep
