; SPDX-License-Identifier: MIT
; Interrupt controllers, the timer with its tick, interrupts that nobody wants.

TICKS_PER_DAY equ 0x1800B0

pic_init:
        mov al, 0x11            ; ICW1: edges, cascade, ICW4
        out PIC1, al
        out PIC2, al
        mov al, 0x08            ; ICW2: the first vectors
        out PIC1 + 1, al
        mov al, 0x70
        out PIC2 + 1, al
        mov al, 4               ; ICW3
        out PIC1 + 1, al
        mov al, 2
        out PIC2 + 1, al
        mov al, 1               ; ICW4: 8086
        out PIC1 + 1, al
        out PIC2 + 1, al
        mov al, 0xB8            ; timer, keyboard, cascade, floppy
        out PIC1 + 1, al
        mov al, 0xFF
        out PIC2 + 1, al
        ret

; Counter 0: a square wave of 18.2 Hz. The day's ticks come from the clock.
timer_init:
        mov al, 0x36
        out PIT + 3, al
        xor al, al
        out PIT, al
        out PIT, al
        mov al, 0x54            ; counter 1: memory refresh
        out PIT + 3, al
        mov al, 18
        out PIT + 1, al
        call ticks_of_clock
        push BDA
        pop ds
        mov [BDA_TICKS], eax
        ret

; EAX: ticks since midnight, by the real-time clock. A second has 1193182 / 65536 of them.
ticks_of_clock:
        mov al, 4
        call cmos_read
        call from_bcd
        imul ebx, eax, 3600
        mov al, 2
        call cmos_read
        call from_bcd
        imul eax, eax, 60
        add ebx, eax
        mov al, 0
        call cmos_read
        call from_bcd
        add eax, ebx
        mov edx, 1193182
        mul edx
        shrd eax, edx, 16
        cmp eax, TICKS_PER_DAY
        jb .good
        xor eax, eax
.good:  ret

; AL, BCD: EAX, binary. Changes ECX.
from_bcd:
        movzx eax, al
        mov ecx, eax
        and eax, 15
        shr ecx, 4
        imul ecx, ecx, 10
        add eax, ecx
        ret

; Register AL of the CMOS chip: AL.
cmos_read:
        out CMOS, al
        in al, CMOS + 1
        ret

int08:
        push ds
        push eax
        push BDA
        pop ds
        inc dword [BDA_TICKS]
        cmp dword [BDA_TICKS], TICKS_PER_DAY
        jb .same_day
        mov dword [BDA_TICKS], 0
        mov byte [BDA_MIDNIGHT], 1
.same_day:
        call floppy_tick
        int 0x1C
        mov al, 0x20
        out PIC1, al
        pop eax
        pop ds
        iret

; The real-time clock: its flags are read, nothing follows.
int70:
        push ax
        mov al, 0x0C
        call cmos_read
        pop ax
ignore_slave:
        push ax
        mov al, 0x20
        out PIC2, al
        jmp ignore_master.out
ignore_master:
        push ax
.out:   mov al, 0x20
        out PIC1, al
        pop ax
ignore_interrupt:
        iret
