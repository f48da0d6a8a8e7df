; SPDX-License-Identifier: MIT
; INT 15h: memory, A20, waiting, the configuration table (ACPI 6.4 "System Address Map Interfaces"
; for E820h). Not there: APM (53h), events (83h), joystick (84h), mouse (C2h).

int15_functions:
        FUNCTION 0x24, a20_services
        FUNCTION 0x4F, key_intercept
        FUNCTION 0x86, wait_service
        FUNCTION 0x87, move_block
        FUNCTION 0x88, extended_memory
        FUNCTION 0x90, device_busy
        FUNCTION 0x91, device_busy
        FUNCTION 0xC0, configuration
        FUNCTION 0xC1, ebda_segment
        FUNCTION 0xE8, big_memory
        FUNCTION OTHERS, unsupported

int15:
        DISPATCH int15_functions

; The scan code stays as it is: CF set.
key_intercept:
        jmp set_carry

device_busy:
        mov byte [bp + R_AH], 0
        jmp clear_carry

a20_services:
        cmp al, 3
        ja unsupported
        mov byte [bp + R_AH], 0
        call clear_carry
        cmp al, 2
        je .status
        ja .support
        mov ah, al
        shl ah, 1
        in al, PORT92
        and al, ~3 & 0xFF
        or al, ah
        out PORT92, al
        ret
.status:
        in al, PORT92
        shr al, 1
        and al, 1
        mov [bp + R_AL], al
        ret
.support:
        mov word [bp + R_BX], 3 ; keyboard controller and port 92h
        ret

; CX:DX microseconds, by the ACPI timer of 3.579545 MHz.
wait_service:
        sti
        mov ax, cx
        shl eax, 16
        mov ax, dx
        mov ecx, 3579545
        mul ecx
        mov ecx, 1000000
        cmp edx, ecx
        jae unsupported
        div ecx
        mov ecx, eax            ; ticks to go
        mov dx, PM_TIMER
        in eax, dx
        mov ebx, eax
.wait:  in eax, dx
        mov esi, eax
        sub eax, ebx
        and eax, 0xFFFFFF       ; the counter may have 24 bits
        mov ebx, esi
        sub ecx, eax
        ja .wait
        jmp clear_carry

extended_memory:
        mov ax, [cs:header_above1]
        cmp ax, 0x3C00          ; up to 16 MiB, less ISA's hole: 15 MiB
        jb .end
        mov ax, 0xFC00
        cmp word [cs:header_above16], 0x300
        jae .end
        mov ax, [cs:header_above16]
        shl ax, 6
        add ax, 0x3C00
.end:   mov [bp + R_AX], ax
        jmp clear_carry

ebda_segment:
        mov word [bp + R_ES], EBDA
        jmp clear_carry

configuration:
        mov word [bp + R_ES], cs
        mov word [bp + R_BX], configuration_table
        mov byte [bp + R_AH], 0
        jmp clear_carry

; Length; model, submodel, revision; features: second 8259, clock, keyboard intercept, EBDA.
configuration_table:
        dw 8
        db 0xFC, 0, 0, 0x74, 0x40, 0, 0, 0

big_memory:
        cmp al, 0x20
        je .map
        cmp al, 0x01
        je .e801
        cmp al, 0x81
        jne unsupported
.e801:  movzx eax, word [cs:header_above1]
        movzx ebx, word [cs:header_above16]
        cmp byte [bp + R_AL], 0x81
        je .wide
        mov [bp + R_AX], ax
        mov [bp + R_CX], ax
        mov [bp + R_BX], bx
        mov [bp + R_DX], bx
        jmp clear_carry
.wide:  mov [bp + R_AX], eax
        mov [bp + R_CX], eax
        mov [bp + R_BX], ebx
        mov [bp + R_DX], ebx
        jmp clear_carry

; EBX: which entry; ES:DI: 20 bytes or more (ECX).
.map:   cmp edx, 0x534D4150     ; "SMAP"
        jne unsupported
        movzx eax, word [cs:header_e820]
        cmp ebx, eax
        jae unsupported
        cmp ecx, 20
        jb unsupported
        imul si, bx, 20
        add si, e820_map
        inc ebx
        cmp ebx, eax
        jb .more
        xor ebx, ebx
.more:  mov [bp + R_BX], ebx
        push ds
        push cs
        pop ds
        mov es, [bp + R_ES]
        mov di, [bp + R_DI]
        mov cx, 10
        rep movsw
        pop ds
        mov dword [bp + R_CX], 20
        mov dword [bp + R_AX], 0x534D4150
        jmp clear_carry

; AH=87h: CX words between the descriptors at ES:SI + 10h and + 18h, in protected mode.
move_block:
        cli
        mov byte [bp + R_AH], 0
        call clear_carry
        in al, PORT92
        push ax
        or al, 2
        and al, ~1 & 0xFF
        out PORT92, al
        push ds
        push es
        mov es, [bp + R_ES]
        mov si, [bp + R_SI]
        xor eax, eax
        mov ax, es
        shl eax, 4
        movzx ebx, si
        add eax, ebx
        mov word [es:si + 8], 0x2F ; the table itself
        mov [es:si + 10], eax
        mov word [es:si + 0x20], 0xFFFF ; our code
        mov dword [es:si + 0x22], 0x9B000000 | ROM_SEGMENT << 4
        mov word [es:si + 0x26], 0
        mov word [es:si + 0x28], 0xFFFF ; a data segment with real mode's limits
        mov dword [es:si + 0x2A], 0x93000000
        mov word [es:si + 0x2E], 0
        lgdt [es:si + 8]
        movzx ecx, cx
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 0x20:.protected
.protected:
        mov ax, 0x10
        mov ds, ax
        mov ax, 0x18
        mov es, ax
        xor esi, esi
        xor edi, edi
        a32 rep movsw
        mov ax, 0x28
        mov ds, ax
        mov es, ax
        mov eax, cr0
        and al, 0xFE
        mov cr0, eax
        jmp ROM_SEGMENT:.real
.real:  pop es
        pop ds
        pop ax
        out PORT92, al
        ret
