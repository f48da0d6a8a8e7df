; SPDX-License-Identifier: MIT
; An option ROM that boots what -kernel names behind a BIOS that is not ours: a boot device (BEV,
; "Plug and Play BIOS Specification" 1.0A, "BIOS Boot Specification" 1.01) which fetches pieces of
; memory by fw_cfg's DMA and enters a kernel. kernel_rom.cpp fills in the header and appends the
; pieces.

bits 16
cpu 386
org 0

FW_CFG_DMA equ 0x514
DMA equ 0x600                   ; the descriptor; free memory that no loader writes to
CONTROL_READ equ 2
CONTROL_SELECT equ 8
STACK equ 0x7C00

        dw 0xAA55
        db 0                    ; in 512 bytes: filled in
        jmp near init
        times 0x18 - ($ - $$) db 0
        dw 0                    ; not of a PCI function
        dw pnp
        times 0x20 - ($ - $$) db 0

; Filled in.
pieces_count: dw 0
data_key:     dw 0              ; of fw_cfg: the pieces' bytes, one after the other
entry_mode:   dw 0              ; 0 real, 1 protected
entry_cs:     dw 0
entry_ds:     dw 0
        dw 0
entry_ip:     dd 0
entry_sp:     dd 0
entry_eax:    dd 0
entry_ebx:    dd 0
entry_esi:    dd 0

        times 0x50 - ($ - $$) db 0
pnp:    db "$PnP", 1, 2
        dw 0                    ; no next header
        db 0, 0                 ; the checksum: filled in
        dd 0
        dw maker, product
        db 1, 0x80, 0           ; device type: other mass storage
        db 0x64                 ; an initial program load device, may be shadowed
        dw 0, 0, boot, 0, 0

maker:   db "ring3", 0
product: db "kernel of -kernel", 0

init:   mov ax, 0x20            ; an IPL device is there
        retf

boot:   cli
        cld
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, STACK
        mov si, pieces
        mov bp, [cs:pieces_count]
        movzx ebx, word [cs:data_key]
        shl ebx, 16
        or ebx, CONTROL_SELECT | CONTROL_READ
.next:  test bp, bp
        jz enter
        mov eax, ebx
        call big_endian
        mov [DMA], eax
        mov eax, [cs:si + 8]    ; length
        call big_endian
        mov [DMA + 4], eax
        mov eax, [cs:si + 4]    ; address
        call big_endian
        mov [DMA + 8], eax
        mov eax, [cs:si]
        call big_endian
        mov [DMA + 12], eax
        mov dx, FW_CFG_DMA
        xor eax, eax
        out dx, eax
        add dx, 4
        mov eax, DMA
        call big_endian
        out dx, eax
.wait:  mov eax, [DMA]
        test eax, 0xFEFFFFFF
        jnz .wait
        test eax, eax
        jnz .failed
        mov ebx, CONTROL_READ   ; the rest follows
        add si, 16
        dec bp
        jmp .next
.failed:
        mov si, text_failed
.print: cs lodsb
        test al, al
        jz .give_up
        mov ah, 0x0E
        mov bx, 7
        int 0x10
        jmp .print
.give_up:
        sti
        int 0x18

; EAX from one byte order to the other.
big_endian:
        xchg al, ah
        rol eax, 16
        xchg al, ah
        ret

enter:  mov ebx, [cs:entry_ebx]
        mov esi, [cs:entry_esi]
        mov ecx, [cs:entry_ip]
        cmp word [cs:entry_mode], 0
        jne .protected
        mov ax, [cs:entry_ds]
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        mov esp, [cs:entry_sp]
        push word [cs:entry_cs]
        push cx
        xor eax, eax
        mov edx, 0x80           ; as a boot sector wants it
        retf
.protected:
        xor eax, eax            ; the GDT where this ROM is
        mov ax, cs
        shl eax, 4
        add eax, gdt
        mov [DMA + 2], eax
        mov word [DMA], gdt_end - gdt - 1
        mov edx, [cs:entry_sp]
        mov edi, [cs:entry_eax]
        mov [DMA + 8], ecx
        mov ax, [cs:entry_cs]
        mov [DMA + 12], ax
        mov bp, [cs:entry_ds]
        o32 lgdt [DMA]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        mov ds, bp
        mov es, bp
        mov fs, bp
        mov gs, bp
        mov ss, bp
        mov esp, edx
        mov eax, edi
        jmp dword far [DMA + 8]

; Flat segments, at the selectors that the Linux boot protocol names.
        align 8
gdt:    dq 0, 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
gdt_end:

text_failed: db "The kernel cannot be fetched", 13, 10, 0

        align 16
pieces:                         ; per piece: address, length, 0
