; SPDX-License-Identifier: MIT
; Power-on: vectors, data areas, chips, screen, disks; then INT 19h. The program has set up PCI.

post:
        cli
        cld
        xor ax, ax
        mov ss, ax
        mov sp, 0x7C00
        call shutdown_return
        call clear_data
        call set_vectors
        call set_bios_data
        call pic_init
        call timer_init
        call keyboard_init
        call video_init
        sti
        mov si, text_banner
        call print
        call disks_init
        call floppies_init
        call option_roms
        cmp dword [cs:header_entry], 0
        jne start_direct
        int 0x19

text_banner: db "ring3 BIOS", 13, 10, 0

; A program of the 80286 age came back from protected mode by a reset: CMOS byte 0Fh says where to.
shutdown_return:
        mov al, 0x8F
        out CMOS, al
        in al, CMOS + 1
        mov bl, al
        mov al, 0x0F
        out CMOS, al
        xor al, al
        out CMOS + 1, al
        mov ds, ax
        cmp bl, 0x05
        je .with_eoi
        cmp bl, 0x0A
        je .jump
        ret
.with_eoi:
        mov al, 0x20
        out PIC2, al
        out PIC1, al
.jump:  jmp far [0x467]

clear_data:
        xor eax, eax
        mov bx, DATA
        mov es, bx
        xor di, di
        mov cx, 0x4000          ; all of DATA's segment
        rep stosd
        mov bx, EBDA
        mov es, bx
        xor di, di
        mov cx, 0x400 / 4
        rep stosd
        mov byte [es:0], 1      ; its size in KiB
        mov bx, BDA
        mov es, bx
        mov dx, [es:BDA_RESET_FLAG]
        xor di, di
        mov cx, 0x100 / 4
        rep stosd
        mov [es:BDA_RESET_FLAG], dx
        ret

; Vectors 0-77h; the rest is 0, as programs expect of those that are theirs.
set_vectors:
        xor ax, ax
        mov es, ax
        xor di, di
        mov eax, (ROM_SEGMENT << 16) + ignore_interrupt
        mov cx, 0x78
        rep stosd
        xor eax, eax
        mov cx, 0x100 - 0x78
        rep stosd
        mov si, vectors
.next:  cs lodsb
        movzx di, al
        shl di, 2
        cs lodsw
        stosw
        cmp si, vectors_end
        jb .next
        mov ax, ignore_master
        call .irqs_master
        mov dword [es:0x1D * 4], 0
        mov word [es:0x1E * 4], floppy_parameters
        mov dword [es:0x1F * 4], 0
        mov word [es:0x70 * 4], int70
        mov dword [es:0x41 * 4], 0
        mov dword [es:0x46 * 4], 0
        ret
.irqs_master:
        mov [es:0x0A * 4], ax
        mov [es:0x0B * 4], ax
        mov [es:0x0C * 4], ax
        mov [es:0x0D * 4], ax
        mov [es:0x0F * 4], ax
        mov di, 0x71 * 4
        mov cx, 7
.slave: mov word [es:di], ignore_slave
        add di, 4
        loop .slave
        ret

%macro VECTOR 2
        db %1
        dw %2
%endmacro
vectors:
        VECTOR 0x08, int08
        VECTOR 0x09, int09
        VECTOR 0x0E, int0e
        VECTOR 0x10, int10
        VECTOR 0x11, int11
        VECTOR 0x12, int12
        VECTOR 0x13, int13
        VECTOR 0x14, int14
        VECTOR 0x15, int15
        VECTOR 0x16, int16
        VECTOR 0x17, int17
        VECTOR 0x18, int18
        VECTOR 0x19, int19
        VECTOR 0x1A, int1a
        VECTOR 0x40, int40
vectors_end:

set_bios_data:
        mov ax, BDA
        mov ds, ax
        mov word [BDA_EBDA], EBDA
        mov ax, [cs:header_base]
        mov [BDA_BASE_KIB], ax
        mov word [BDA_EQUIPMENT], 0x0026 ; coprocessor, mouse, 80x25 colour
        mov dword [BDA_COM_TIMEOUT], 0x01010101
        ; The serial ports, in order.
        xor di, di
        xor si, si
        mov al, [cs:header_coms]
.port:  shr al, 1
        jnc .absent
        mov dx, [cs:si + com_ports]
        mov [di + BDA_COM], dx
        add di, 2
        add word [BDA_EQUIPMENT], 0x200
.absent:
        add si, 2
        cmp si, 8
        jb .port
        ret

com_ports: dw 0x3F8, 0x2F8, 0x3E8, 0x2E8

; A 16-bit Linux kernel or the like, which the program has put into memory.
start_direct:
        cli
        mov ax, [cs:header_entry_ds]
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        movzx esp, word [cs:header_entry_sp]
        mov edx, 0x80           ; as a boot sector wants it
        jmp far [cs:header_entry]
