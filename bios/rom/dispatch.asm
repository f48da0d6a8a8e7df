; SPDX-License-Identifier: MIT
; How a service starts and ends: the caller's registers in a frame at SS:BP, DS the BIOS data area,
; ES our data, the function found by AH.

; DISPATCH table: runs the handler of function AH with the caller's registers but for SI, BP, DS
; and ES, then returns to the caller with what stands in the frame.
%macro DISPATCH 1
        push ds
        push es
        pushad
        mov bp, sp
        cld
        mov si, %1
        jmp dispatch
%endmacro

; A table: a function's number and its handler, four bytes; the last one's is taken for any other.
%macro FUNCTION 2
        dw %1, %2
%endmacro
%define OTHERS 0xFFFF

dispatch:
        push BDA
        pop ds
        push DATA
        pop es
.next:  cmp [cs:si], ah
        jne .other
        cmp byte [cs:si + 1], 0
        je .found
.other: cmp word [cs:si], OTHERS
        je .found
        add si, 4
        jmp .next
.found: call [cs:si + 2]
leave_service:
        popad
        pop es
        pop ds
        iret

; For handlers.
set_carry:
        or byte [bp + R_FLAGS], CARRY
        ret
clear_carry:
        and byte [bp + R_FLAGS], ~CARRY & 0xFF
        ret

; An AT BIOS's "no such function".
unsupported:
        mov byte [bp + R_AH], 0x86
        jmp set_carry

no_operation: ret

int11:
        push ds
        push BDA
        pop ds
        mov ax, [BDA_EQUIPMENT]
        pop ds
        iret

int12:
        push ds
        push BDA
        pop ds
        mov ax, [BDA_BASE_KIB]
        pop ds
        iret

; No printers: time-out.
int17:
        mov ah, 1
        iret
