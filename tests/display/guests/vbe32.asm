; SPDX-License-Identifier: MIT
; Bochs VBE, 1024 by 768 in 32 bits: the upper half through banks at A0000h, the lower half through
; the linear frame buffer, which the guest places itself. Pixel (x, y): red x, green y, blue x ^ y.
%include "lib.inc"
%define FRAME_BUFFER 0xE0000000
%macro vbe 2
  mov dx, 0x1CE
  mov ax, %1
  out dx, ax
  inc dx
  mov ax, %2
  out dx, ax
%endmacro
%macro pci 2
  mov dx, 0xCF8
  mov eax, 0x80001000 | (%1)
  out dx, eax
  mov dx, 0xCFC
  mov eax, %2
  out dx, eax
%endmacro
draw:
  mov si, registers
  call set_registers
  call set_colors
  vbe 4, 0
  vbe 1, 1024
  vbe 2, 768
  vbe 3, 32
  vbe 4, 0x41
  mov ax, 0xA000
  mov es, ax
  xor bx, bx            ; y
.line:
  mov ax, bx
  and ax, 15
  jnz .same_bank
  mov ax, bx
  shr ax, 4
  mov cx, ax
  vbe 5, cx
  xor di, di
.same_bank:
  xor ecx, ecx
.pixel:
  call color
  stosd
  inc cx
  cmp cx, 1024
  jb .pixel
  inc bx
  cmp bx, 384
  jb .line
  pci 0x10, FRAME_BUFFER
  pci 0x04, 2
  ; Flat data segment, then on in 16 bits with 32-bit addresses.
  lgdt [cs:gdt_pointer]
  push ds
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp .protected
.protected:
  mov ax, 8
  mov es, ax
  mov eax, cr0
  and al, 0xFE
  mov cr0, eax
  jmp .real
.real:
  pop ds
  mov edi, FRAME_BUFFER + 384 * 4096
.low_line:
  xor ecx, ecx
.low_pixel:
  call color
  mov [es:edi], eax
  add edi, 4
  inc cx
  cmp cx, 1024
  jb .low_pixel
  inc bx
  cmp bx, 768
  jb .low_line
  ret
color:                  ; CX, BX -> EAX
  movzx eax, cl
  shl eax, 16
  mov ah, bl
  mov al, cl
  xor al, bl
  ret
align 8
gdt:
  dq 0
  dq 0x00CF93000000FFFF
gdt_pointer:
  dw 15
%ifdef ROM
  dd 0xF0000 + gdt
%else
  dd gdt
%endif
registers:
  db 0x63
  db 0x03, 0x01, 0x0F, 0x00, 0x0E
  db 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0x00, 0x41, 0x00, 0x00, 0x00
  db 0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF
  db 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0F, 0xFF
  db 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  db 0x41, 0x00, 0x0F, 0x00, 0x00
