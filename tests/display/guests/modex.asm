; SPDX-License-Identifier: MIT
; Mode X, 320 by 240 in 256 colours over four planes, from the second page, with a copy by latches
; and the screen split after line 401.
%include "lib.inc"
draw:
  mov si, registers
  call set_registers
  call set_colors
  mov ax, 0xA000
  mov es, ax
  ; Plane p, byte i: i + i / 256 * 3 + p * 17.
  mov cl, 0
.plane:
  mov ah, 1
  shl ah, cl
  mov al, 2
  mov dx, SEQ
  out dx, ax
  mov al, 17
  mul cl
  mov bl, al
  xor di, di
.byte:
  mov ax, di
  add al, ah
  add al, ah
  add al, ah
  add al, bl
  stosb
  cmp di, 0x4B00 * 2
  jb .byte
  inc cl
  cmp cl, 4
  jb .plane
  indexed SEQ, 2, 15
  indexed GFX, 5, 0x41
  mov si, 100
  mov di, 0x4B00 + 80 * 60
  mov cx, 80 * 40
.copy:
  mov al, [es:si]
  stosb
  inc si
  loop .copy
  ret
registers:
  db 0xE3
  db 0x03, 0x01, 0x0F, 0x00, 0x06
  db 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0D, 0x3E, 0x00, 0x01, 0x00, 0x00, 0x4B
  db 0x00, 0x00, 0x00, 0xEA, 0xAC, 0xDF, 0x28, 0x00, 0xE7, 0x06, 0xE3, 0x91
  db 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0F, 0xFF
  db 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  db 0x41, 0x00, 0x0F, 0x00, 0x00
