; SPDX-License-Identifier: MIT
; ring3's own BIOS: one 64 KiB ROM at F0000h, mapped below 4 GiB as well. 16-bit code with 32-bit
; registers; 80386 real mode. The program fills the header (header.asm) with what it knows of the
; board: memory map, serial ports, tables; POST therefore looks for little and takes no time.
; Not there: APM, parallel ports, USB, SMM, mouse services (INT 15h C2h), 8x8 and 8x14 fonts.

bits 16
cpu 686
org 0

%include "defs.inc"
%include "data.inc"
%include "header.asm"
%include "post.asm"
%include "dispatch.asm"
%include "pic.asm"
%include "video.asm"
%include "video_text.asm"
%include "video_window.asm"
%include "vga_modes.asm"
%include "vga_palette.asm"
%include "vbe.asm"
%include "serial_console.asm"
%include "keyboard.asm"
%include "keymap.asm"
%include "int16.asm"
%include "disk.asm"
%include "disk_edd.asm"
%include "disk_transfer.asm"
%include "ide.asm"
%include "atapi.asm"
%include "virtio_blk.asm"
%include "floppy.asm"
%include "eltorito.asm"
%include "int14.asm"
%include "int15.asm"
%include "int1a.asm"
%include "pci_bios.asm"
%include "option_rom.asm"
%include "boot.asm"
%include "boot_menu.asm"
%include "print.asm"

code_end:
        times 0xFFF0 - ($ - $$) db 0xFF
        jmp ROM_SEGMENT:post    ; the reset vector
        db "01/01/26"
        db 0
        db 0xFC                 ; machine model: AT
        db 0
