; SPDX-License-Identifier: MIT
; INT 1Ah AH=B1h (PCI BIOS Specification 2.1), real-mode interface only; and configuration space by
; mechanism 1 for our own use. Not there: special cycles, setting of interrupt routes (B10Fh).

PCI_NOT_SUPPORTED equ 0x81
PCI_NO_DEVICE equ 0x86
PCI_BAD_REGISTER equ 0x87
PCI_TOO_SMALL equ 0x89

; Dword DI of function BX (bus, device and function): EAX. Changes DX.
pci_read:
        call pci_select
        mov dx, PCI_DATA
        in eax, dx
        ret

; EAX to dword DI of function BX. Changes DX.
pci_write:
        push eax
        call pci_select
        pop eax
        mov dx, PCI_DATA
        out dx, eax
        ret

pci_select:
        movzx eax, bx
        shl eax, 8
        mov dx, di
        mov al, dl
        and al, 0xFC
        or eax, 0x80000000
        mov dx, PCI_ADDRESS
        out dx, eax
        ret

; The first function of class and subclass CX: BX; CF: there is none. Changes EAX, DX, DI.
pci_find_class:
        xor bx, bx
.next:  mov di, 8
        call pci_read
        cmp eax, -1
        je .other
        shr eax, 16
        cmp ax, cx
        je .found
.other: inc bl
        jnz .next
        stc
        ret
.found: clc
        ret

pci_bios:
        cmp al, 1
        je .present
        cmp al, 2
        je .find_device
        cmp al, 3
        je .find_class
        cmp al, 8
        jb .unknown
        cmp al, 0x0D
        jbe .access
        cmp al, 0x0E
        je pci_routing
.unknown:
        mov byte [bp + R_AH], PCI_NOT_SUPPORTED
        jmp set_carry
.present:
        mov dword [bp + R_DX], "PCI "
        mov word [bp + R_AX], 0x0001 ; mechanism 1
        mov word [bp + R_BX], 0x0210
        mov al, [cs:header_pci_bus]
        mov [bp + R_CL], al
        jmp clear_carry

; Device CX, vendor DX, the SI-th.
.find_device:
        mov ax, cx
        shl eax, 16
        mov ax, dx
        mov ecx, eax
        mov di, 0
        mov esi, -1             ; all bits count
        jmp .search
; Class ECX.
.find_class:
        shl ecx, 8
        mov di, 8
        mov esi, 0xFFFFFF00
.search:
        xor bx, bx
.next:  call pci_read
        and eax, esi
        cmp eax, ecx
        jne .other
        cmp word [bp + R_SI], 0
        je .found
        dec word [bp + R_SI]
.other: inc bl
        jnz .next
        mov byte [bp + R_AH], PCI_NO_DEVICE
        jmp set_carry
.found: mov [bp + R_BX], bx
.good:  mov byte [bp + R_AH], 0
        jmp clear_carry

; 08h-0Ah read, 0Bh-0Dh write a byte, word, dword of function BX, register DI.
.access:
        mov cl, al
        cmp di, 0xFF
        ja .register
        test al, 3
        call .size              ; CH: bytes
        mov ax, di
        mov dl, ch
        dec dl
        test al, dl
        jnz .register
        call pci_select
        mov dx, di
        and dx, 3
        add dx, PCI_DATA
        cmp cl, 0x0B
        jae .write
        mov cl, ch
        cmp cl, 2
        je .read_word
        ja .read_dword
        in al, dx
        mov [bp + R_CL], al
        jmp .good
.read_word:
        in ax, dx
        mov [bp + R_CX], ax
        jmp .good
.read_dword:
        in eax, dx
        mov [bp + R_CX], eax
        jmp .good
.write: mov eax, [bp + R_CX]
        cmp ch, 2
        je .write_word
        ja .write_dword
        out dx, al
        jmp .good
.write_word:
        out dx, ax
        jmp .good
.write_dword:
        out dx, eax
        jmp .good
.register:
        mov byte [bp + R_AH], PCI_BAD_REGISTER
        jmp set_carry
; Bytes that function CL moves: CH.
.size:  mov al, cl
        sub al, 8
        cmp al, 3
        jb .read_size
        sub al, 3
.read_size:
        mov ch, 1
        xchg al, cl
        shl ch, cl
        xchg al, cl
        ret

; AL=0Eh: the entries of the routing table ($PIR) to the buffer that ES:DI of the caller tells of by
; length, offset and segment; BX: the interrupts that are only PCI's.
pci_routing:
        push ds
        push es
        mov es, [bp + R_ES]
        call .table             ; CS:SI, CX bytes
        mov ax, [es:di]
        mov [es:di], cx
        cmp ax, cx
        mov al, PCI_TOO_SMALL
        jb .end
        mov ax, [cs:si + 10]
        mov [bp + R_BX], ax
        les di, [es:di + 2]
        add si, 32
        cs rep movsb
        mov al, 0
.end:   pop es
        pop ds
        mov [bp + R_AH], al
        test al, al
        jnz set_carry
        jmp clear_carry
.table: mov si, tables
.next:  cmp dword [cs:si], "$PIR"
        je .found
        add si, 16
        jmp .next
.found: mov cx, [cs:si + 6]
        sub cx, 32
        ret
