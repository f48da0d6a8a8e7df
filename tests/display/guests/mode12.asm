; SPDX-License-Identifier: MIT
; Mode 12h, 640 by 480 in 16 colours: planes one by one, then every write mode, rotation, the four
; functions, bit masks, set/reset, latches and both read modes.
%include "lib.inc"
draw:
  mov si, registers
  call set_registers
  call set_colors
  mov ax, 0xA000
  mov es, ax
  ; Plane p, byte i: i * 3 + i / 256 * 5 + p * 77, as 8 bits.
  mov cl, 0
.plane:
  mov ah, 1
  shl ah, cl
  mov al, 2
  mov dx, SEQ
  out dx, ax
  mov al, 77
  mul cl
  mov bl, al
  xor di, di
.byte:
  mov ax, di
  mov dl, ah
  mov dh, al
  shl al, 1
  add al, dh
  add al, dl
  shl dl, 2
  add al, dl
  add al, bl
  stosb
  cmp di, 38400
  jb .byte
  inc cl
  cmp cl, 4
  jb .plane
  indexed SEQ, 2, 15
  ; Write mode 0: set/reset on planes 0 and 3, data rotated, function and bit mask by row.
  indexed GFX, 0, 0x09
  indexed GFX, 1, 0x0B
  mov bp, 0             ; the function
.function:
  mov ax, bp
  shl al, 3
  or al, 3
  mov ah, al
  mov al, 3
  mov dx, GFX
  out dx, ax
  mov ax, bp
  mov ah, 0x3C
  add ah, al
  mov al, 8
  out dx, ax
  mov ax, bp
  mov bx, 80 * 16
  mul bx
  add ax, 80 * 20 + 10
  mov di, ax
  mov cx, 60 * 8
.op:
  mov al, [es:di]       ; fills the latches
  mov ax, di
  xor al, ah
  stosb
  loop .op
  inc bp
  cmp bp, 4
  jb .function
  ; Write mode 2: a colour into the bits of the mask.
  indexed GFX, 1, 0
  indexed GFX, 3, 0
  indexed GFX, 5, 2
  indexed GFX, 8, 0xA5
  mov di, 80 * 120
  mov cx, 80 * 20
.mode2:
  mov al, [es:di]
  mov ax, di
  stosb
  loop .mode2
  ; Write mode 3: set/reset where the rotated data and the mask are one.
  indexed GFX, 0, 6
  indexed GFX, 3, 1
  indexed GFX, 5, 3
  indexed GFX, 8, 0x7E
  mov di, 80 * 160
  mov cx, 80 * 20
.mode3:
  mov al, [es:di]
  mov ax, di
  add al, ah
  stosb
  loop .mode3
  ; Write mode 1: latches copied, planes 1 and 2 only.
  indexed GFX, 5, 1
  indexed SEQ, 2, 6
  mov si, 80 * 20
  mov di, 80 * 200 + 3
  mov cx, 80 * 60
.mode1:
  mov al, [es:si]
  stosb
  inc si
  loop .mode1
  ; What reads give, drawn: read mode 0 of each plane, then read mode 1.
  indexed SEQ, 2, 15
  indexed GFX, 0, 0
  indexed GFX, 3, 0
  indexed GFX, 8, 0xFF
  mov bp, 0
.read0:
  indexed GFX, 5, 0
  mov ax, bp
  mov ah, al
  mov al, 4
  mov dx, GFX
  out dx, ax
  mov ax, bp
  mov bx, 80 * 10
  mul bx
  add ax, 80 * 300
  mov di, ax
  mov si, 80 * 20
  mov cx, 80 * 8
.copy0:
  mov al, [es:si]
  stosb
  inc si
  loop .copy0
  inc bp
  cmp bp, 4
  jb .read0
  indexed GFX, 2, 5
  indexed GFX, 7, 0x0D
  indexed GFX, 5, 8
  mov si, 80 * 200
  mov di, 80 * 360
  mov cx, 80 * 40
.copy1:
  mov al, [es:si]
  stosb
  inc si
  loop .copy1
  ret
registers:
  db 0xE3
  db 0x03, 0x01, 0x0F, 0x00, 0x06
  db 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0x00, 0x40, 0x00, 0x00, 0x00
  db 0x00, 0x00, 0x00, 0xEA, 0x8C, 0xDF, 0x28, 0x00, 0xE7, 0x04, 0xE3, 0xFF
  db 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0F, 0xFF
  db 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F
  db 0x81, 0x00, 0x0F, 0x00, 0x03
