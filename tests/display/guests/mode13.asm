; SPDX-License-Identifier: MIT
; Mode 13h, 320 by 200 in 256 colours: pixel (x, y) is x ^ 3y, then blocks copied in words.
%include "lib.inc"
draw:
  mov si, registers
  call set_registers
  call set_colors
  mov ax, 0xA000
  mov es, ax
  xor di, di
  xor bx, bx            ; y
.line:
  xor cx, cx            ; x
  mov ax, bx
  add ax, bx
  add ax, bx
  mov dl, al
.pixel:
  mov al, cl
  xor al, dl
  stosb
  inc cx
  cmp cx, 320
  jb .pixel
  inc bx
  cmp bx, 200
  jb .line
  push ds
  mov ax, es
  mov ds, ax
  mov si, 320 * 10
  mov di, 320 * 150 + 1
  mov cx, 320 * 30 / 2
  rep movsw
  pop ds
  ret
registers:
  db 0x63
  db 0x03, 0x01, 0x0F, 0x00, 0x0E
  db 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0x00, 0x41, 0x00, 0x00, 0x00
  db 0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF
  db 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0F, 0xFF
  db 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  db 0x41, 0x00, 0x0F, 0x00, 0x00
