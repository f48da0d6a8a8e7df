; SPDX-License-Identifier: MIT
; The 8042 and INT 09h: scan codes of set 1 become keys in the type-ahead buffer.

KBD_RIGHT_SHIFT equ 0x01
KBD_LEFT_SHIFT equ 0x02
KBD_CTRL equ 0x04
KBD_ALT equ 0x08
KBD_SCROLL equ 0x10
KBD_NUM equ 0x20
KBD_CAPS equ 0x40
KBD_INSERT equ 0x80

keyboard_init:
        push BDA
        pop ds
        mov ax, BDA_KBD_BUFFER
        mov [BDA_KBD_HEAD], ax
        mov [BDA_KBD_TAIL], ax
        mov [BDA_KBD_START], ax
        mov word [BDA_KBD_END], BDA_KBD_BUFFER + 32
        mov byte [BDA_KBD_FLAGS3], 0x10 ; a keyboard of 101 keys
.drain: in al, KBD_COMMAND
        test al, 1
        jz .empty
        in al, KBD_DATA
        jmp .drain
.empty: mov al, 0x60            ; the command byte:
        out KBD_COMMAND, al
        call keyboard_ready
        mov al, 0x65            ; translated, mouse off, IRQ1
        out KBD_DATA, al
        call keyboard_ready
        ret

; Until the controller takes a byte.
keyboard_ready:
        push cx
        xor cx, cx
.wait:  in al, KBD_COMMAND
        test al, 2
        loopnz .wait
        pop cx
        ret

; The lamps follow the lock flags.
keyboard_lamps:
        mov al, [BDA_KBD_FLAGS]
        shr al, 4
        and al, 7
        mov ah, [BDA_KBD_LEDS]
        and ah, 7
        cmp al, ah
        je .end
        and byte [BDA_KBD_LEDS], ~7 & 0xFF
        or [BDA_KBD_LEDS], al
        mov ah, al
        mov al, 0xED
        out KBD_DATA, al
        call .answer
        mov al, ah
        out KBD_DATA, al
        call .answer
.end:   ret
.answer:
        call keyboard_ready
        xor cx, cx
.wait:  in al, KBD_COMMAND
        test al, 1
        loopz .wait
        in al, KBD_DATA
        ret

int09:
        push ds
        push es
        pushad
        cld
        push BDA
        pop ds
        in al, KBD_DATA
        mov ah, 0x4F            ; the keyboard intercept
        stc
        int 0x15
        jnc .end
        cmp al, 0xFA            ; acknowledge, resend: of a command
        je .end
        cmp al, 0xFE
        je .end
        call scan_code
.end:   cli
        mov al, 0x20
        out PIC1, al
        popad
        pop es
        pop ds
        iret

scan_code:                      ; AL
        cmp al, 0xE0
        je .e0
        cmp al, 0xE1
        je .e1
        mov bl, [BDA_KBD_FLAGS3]
        test bl, 1
        jnz .pause
        and byte [BDA_KBD_FLAGS3], ~3 & 0xFF
        mov ah, al
        and al, 0x7F
        call shift_key
        jc .end
        test ah, 0x80
        jnz .end
        jmp key_down
.e0:    or byte [BDA_KBD_FLAGS3], 2
        ret
.e1:    or byte [BDA_KBD_FLAGS3], 1
        ret
; E1 1D 45 E1 9D C5: the prefix ends with the second byte.
.pause: and al, 0x7F
        cmp al, 0x45
        jne .end
        and byte [BDA_KBD_FLAGS3], ~3 & 0xFF
.end:   ret

; Keys that change flags: AL code, AH with the break bit, BL flags of the prefix. CF: it was one.
shift_key:
        mov si, shift_keys
.next:  cmp byte [cs:si], 0
        je .none
        cmp [cs:si], al
        je .found
        add si, 2
        jmp .next
.none:  clc
        ret
.found: mov cl, [cs:si + 1]
        cmp al, 0x45
        jae .lock               ; num, scroll
        cmp al, 0x3A
        je .lock
        test bl, 2
        jz .plain
        cmp al, 0x36            ; E0 2A and E0 36 are not keys
        je .done
        cmp al, 0x2A
        je .done
        call right_side
.plain: test ah, 0x80
        jnz .released
        or [BDA_KBD_FLAGS], cl
        test bl, 2
        jnz .done
        call left_flags
        or [BDA_KBD_FLAGS1], ch
        jmp .done
.released:
        not cl
        and [BDA_KBD_FLAGS], cl
        not cl
        call left_flags
        not ch
        and [BDA_KBD_FLAGS1], ch
        cmp al, 0x38
        jne .done
        mov al, [BDA_ALT_NUMBER] ; a character by its number
        mov byte [BDA_ALT_NUMBER], 0
        test al, al
        jz .done
        mov ah, 0
        call store_key
        jmp .done
.lock:  cmp al, 0x52
        je .none
        test bl, 2
        jnz .none               ; Ctrl-Pause, E0 46
        test byte [BDA_KBD_FLAGS], KBD_CTRL
        jnz .none
        test ah, 0x80
        jnz .lock_up
        mov ch, cl
        test [BDA_KBD_FLAGS1], cl
        jnz .done               ; it repeats
        or [BDA_KBD_FLAGS1], cl
        xor [BDA_KBD_FLAGS], cl
        call keyboard_lamps
        jmp .done
.lock_up:
        not cl
        and [BDA_KBD_FLAGS1], cl
.done:  stc
        ret

; CH: the bit of left Ctrl (1) or left Alt (2) for flag CL, else 0.
left_flags:
        mov ch, cl
        shr ch, 2
        and ch, 3
        ret

; The right Ctrl and Alt stand in the third flags.
right_side:
        mov ch, cl
        test ah, 0x80
        jnz .up
        or [BDA_KBD_FLAGS3], ch
        ret
.up:    not ch
        and [BDA_KBD_FLAGS3], ch
        ret

shift_keys:
        db 0x2A, KBD_LEFT_SHIFT, 0x36, KBD_RIGHT_SHIFT, 0x1D, KBD_CTRL, 0x38, KBD_ALT
        db 0x3A, KBD_CAPS, 0x45, KBD_NUM, 0x46, KBD_SCROLL, 0

; A make code: AL; BL the prefix flags.
key_down:
        cmp al, KEYS
        jae .end
        mov ah, [BDA_KBD_FLAGS]
        mov cl, ah
        and cl, KBD_CTRL | KBD_ALT
        cmp cl, KBD_CTRL | KBD_ALT
        jne .no_reset
        cmp al, 0x53
        je restart
.no_reset:
        cmp al, 0x46            ; Ctrl-Break
        je .break
        movzx si, al
        shl si, 3
        add si, keymap
        test bl, 2
        jnz .extended
        test ah, KBD_ALT
        jnz .alt
        test ah, KBD_CTRL
        jnz .ctrl
        call is_shifted
        jc .shift
        mov ax, [cs:si]
        jmp .store
.shift: mov ax, [cs:si + 2]
        jmp .store
.ctrl:  mov ax, [cs:si + 4]
        jmp .store
.alt:   cmp al, 0x47
        jb .alt_key
        cmp al, 0x52
        ja .alt_key
        call alt_digit
        jc .end
.alt_key:
        mov ax, [cs:si + 6]
.store: test ax, ax
        jz .end
        jmp store_key
; Grey keys: E0h in place of the ASCII code; "/" and Enter have their own.
.extended:
        cmp al, 0x35
        je .slash
        cmp al, 0x1C
        je .enter
        test ah, KBD_ALT
        jnz .extended_alt
        test ah, KBD_CTRL
        jnz .extended_ctrl
        cmp al, 0x47
        jb .end
        cmp al, 0x53
        ja .end
        mov ah, al
        mov al, 0xE0
        jmp .store
.extended_ctrl:
        mov ax, [cs:si + 4]
        mov al, 0xE0
        jmp .store
.extended_alt:
        mov ah, al
        add ah, 0x50
        mov al, 0
        jmp .store
.slash: mov ax, 0xE02F
        jmp .store
.enter: mov ax, 0xE00D
        test byte [BDA_KBD_FLAGS], KBD_CTRL
        jz .store
        mov al, 10
        jmp .store
.break: test ah, KBD_CTRL
        jz .end
        mov byte [BDA_BREAK], 0x80
        mov ax, [BDA_KBD_START]
        mov [BDA_KBD_HEAD], ax
        mov [BDA_KBD_TAIL], ax
        int 0x1B
        xor ax, ax
        jmp store_key
.end:   ret

; CF: the shifted character: Shift, turned by Caps Lock for letters and by Num Lock for the keypad.
is_shifted:
        mov cl, 0
        test ah, KBD_LEFT_SHIFT | KBD_RIGHT_SHIFT
        setnz cl
        cmp al, 0x47
        jb .letter
        cmp al, 0x53
        ja .end
        cmp al, 0x4A
        je .end
        cmp al, 0x4E
        je .end
        test ah, KBD_NUM
        jz .end
        xor cl, 1
        jmp .end
.letter:
        test ah, KBD_CAPS
        jz .end
        mov ch, [cs:si]
        cmp ch, 'a'
        jb .end
        cmp ch, 'z'
        ja .end
        xor cl, 1
.end:   shr cl, 1
        ret

; Alt and a digit of the keypad. CF: it was one.
alt_digit:
        movzx di, al
        mov ch, [cs:di + .digits - 0x47]
        cmp ch, 9
        ja .none
        mov al, [BDA_ALT_NUMBER]
        mov cl, 10
        mul cl
        add al, ch
        mov [BDA_ALT_NUMBER], al
        stc
        ret
.none:  clc
        ret
.digits: db 7, 8, 9, 255, 4, 5, 6, 255, 1, 2, 3, 0

restart:
        mov word [BDA_RESET_FLAG], 0x1234
        mov dx, RESET_CONTROL
        mov al, 6
        out dx, al
.wait:  hlt
        jmp .wait

; AX to the end of the buffer; CF: it is full. Keeps all other registers.
store_key:
        push bx
        push si
        mov bx, [BDA_KBD_TAIL]
        lea si, [bx + 2]
        cmp si, [BDA_KBD_END]
        jb .no_wrap
        mov si, [BDA_KBD_START]
.no_wrap:
        cmp si, [BDA_KBD_HEAD]
        stc
        je .end
        mov [bx], ax
        mov [BDA_KBD_TAIL], si
        clc
.end:   pop si
        pop bx
        ret
