; SPDX-License-Identifier: MIT
; A flat guest that goes from real to protected to long mode: 16-bit code at 7C00h, 32-bit code at
; 7D00h, 64-bit code at 7E00h, which waits until the byte at 9008h is not 0, counts in memory at 9000h
; up to RCX and leaves with 42.
        org     0x7C00
        bits    16
        cli
        xor     ax, ax
        mov     ds, ax
        lgdt    [gdtr]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     8:start32

        times   0x100 - ($ - $$) db 0x90
        bits    32
start32:
        mov     ax, 16
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x8000
        mov     dword [0x10000], 0x11003        ; PML4, PDPT, one 2 MiB page
        mov     dword [0x11000], 0x12003
        mov     dword [0x12000], 0x83
        mov     eax, 0x10000
        mov     cr3, eax
        mov     eax, 0x220                      ; PAE, OSFXSR
        mov     cr4, eax
        mov     ecx, 0xC0000080
        mov     eax, 0x100                      ; LME
        xor     edx, edx
        wrmsr
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        jmp     24:start64

        times   0x200 - ($ - $$) db 0x90
        bits    64
start64:
wait_for_gdb:
        cmp     byte [0x9008], 0
        je      wait_for_gdb
        mov     ecx, 100000
        mov     rbx, 0x123456789ABCDEF0
        movq    xmm1, rbx
        times   0x240 - ($ - $$) db 0x90
count:  inc     qword [0x9000]
        dec     ecx
        jnz     count
        mov     al, 42
        out     0xF4, al
        hlt

        align   8
gdt:    dq      0
        dq      0x00CF9B000000FFFF              ; 8: 32-bit code
        dq      0x00CF93000000FFFF              ; 16: data
        dq      0x00AF9B000000FFFF              ; 24: 64-bit code
gdtr:   dw      $ - gdt - 1
        dd      gdt
