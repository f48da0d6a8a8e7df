; SPDX-License-Identifier: MIT
; What the program knows of the board; rom_image.cpp fills it in. Then room for ACPI's RSDP, the
; SMBIOS and MP tables.

header:
        db "ring3 BIOS", 0
        times 0x10 - ($ - $$) db 0
header_flags:   db 0            ; bit 0: a serial console, bit 1: a boot menu, bit 2: a VGA
header_coms:    db 0            ; bit n: COM n+1
header_e820:    dw 0            ; entries
header_base:    dw 639          ; KiB of memory below the EBDA
header_above1:  dw 0            ; INT 15h E801h: KiB from 1 MiB to 16 MiB
header_above16: dw 0            ; 64 KiB pieces from 16 MiB
header_pci_bus: db 0            ; the last
header_cpus:    db 1
header_entry:   dd 0            ; far pointer: start this instead of booting; 0: boot
header_entry_ds: dw 0
header_entry_sp: dw 0
FLAG_SERIAL equ 1
FLAG_MENU equ 2
FLAG_VGA equ 4

        times 0x40 - ($ - $$) db 0
e820_map:       times 16 * 20 db 0
        times 0x200 - ($ - $$) db 0
tables:                         ; tables of the firmware, in 16-byte steps
        times 0x4000 - ($ - $$) db 0
