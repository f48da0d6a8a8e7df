; SPDX-License-Identifier: MIT
; A flat guest at 7C00h: reads (or writes, with WRITE) SECTORS sectors of the first IDE disk from 0 on,
; one by one, by PIO. Leaves with 0, or with 7 at the first sector that the drive reports an error for;
; writes all, then flushes, whatever the drive said before.
        org     0x7C00
        bits    16
        cli
        xor     ebx, ebx                        ; the sector
        xor     ebp, ebp                        ; 7 after an error
next:   call    ready
        mov     dx, 0x1F2
        mov     al, 1
        out     dx, al
        mov     eax, ebx
        inc     dx
        out     dx, al
        shr     eax, 8
        inc     dx
        out     dx, al
        shr     eax, 8
        inc     dx
        out     dx, al
        mov     al, 0xE0
        inc     dx
        out     dx, al
        inc     dx
%ifdef WRITE
        mov     al, 0x30
%else
        mov     al, 0x20
%endif
        out     dx, al
        call    ready
        test    al, 8                           ; DRQ
        jz      checked
        mov     cx, 256
        mov     dx, 0x1F0
%ifdef WRITE
next_word: mov     ax, bx
        out     dx, ax
%else
next_word: in      ax, dx
%endif
        loop    next_word
        call    ready
checked:
        inc     ebx
        cmp     ebx, SECTORS
        jb      next
        mov     dx, 0x1F7
        mov     al, 0xE7                        ; FLUSH CACHE
        out     dx, al
        call    ready
        mov     ax, bp
        out     0xF4, al
        hlt

ready:  mov     dx, 0x1F7
        in      al, dx
        test    al, al
        js      ready                           ; BSY
        test    al, 1                           ; ERR
        jz      good
        mov     bp, 7
good:   ret
