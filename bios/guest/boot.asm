; SPDX-License-Identifier: MIT
; From power-on state to long mode (SDM 3A "Switching to Protected Mode", "Initializing IA-32e Mode").

bits 16
start16:
        jmp short real_mode

; Multiboot 1 header: magic, flags (bit 1: memory map, bit 16: addresses below), checksum, ...
MULTIBOOT_MAGIC equ 0x1BADB002
MULTIBOOT_FLAGS equ (1 << 1) | (1 << 16)
align 4
multiboot_header:
        dd MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
        dd multiboot_header, BASE, image_end, bss_end, multiboot_entry

; One source, three modes: LODSB takes SI, ESI or RSI, whatever the mode says.
%macro DEFINE_PUTS 1
%1:     lodsb                   ; print the NUL-terminated string at DS:SI
        test al, al
        jz .done
        mov ah, al
        mov dx, COM1 + 5
.wait:  in al, dx
        test al, 0x20           ; line status: transmitter holding register empty
        jz .wait
        mov dx, COM1
        mov al, ah
        out dx, al
        jmp %1
.done:  ret
%endmacro

DEFINE_PUTS puts16

; Real mode: linear address = segment * 16 + offset, no protection, one megabyte.
real_mode:
        cli
        mov ax, cs
        mov ds, ax
        mov ss, ax
        mov sp, 0xFFF0
        mov si, hello16 - BASE
        call puts16
        o32 lgdt [gdt_pointer - BASE]
        mov eax, cr0
        or eax, 1               ; CR0.PE
        mov cr0, eax
        jmp dword KERNEL_CODE32:protected_mode

bits 32
multiboot_entry:
        cli
        lgdt [gdt_pointer]
        jmp KERNEL_CODE32:protected_mode

; Protected mode: selectors name descriptors, 4 GiB flat segments, no paging yet.
protected_mode:
        mov ax, KERNEL_DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, kernel_stack_top
        mov [multiboot_info], ebx
        mov esi, hello32
        call puts32
        call build_page_tables
        mov eax, cr4
        or eax, 1 << 5          ; CR4.PAE
        mov cr4, eax
        mov eax, pml4
        mov cr3, eax
        mov ecx, 0xC0000080     ; EFER: LME and NXE
        rdmsr
        or eax, (1 << 8) | (1 << 11)
        wrmsr
        mov eax, cr0
        or eax, (1 << 31) | (1 << 16)   ; CR0.PG with EFER.LME enters IA-32e mode; WP guards pages
        mov cr0, eax
        jmp KERNEL_CODE64:long_mode     ; and CS.L selects 64-bit mode

; The first GiB maps to itself in 2 MiB pages, for the kernel only (no U bit).
build_page_tables:
        mov dword [pml4], pdpt + 3              ; P, RW
        mov dword [pdpt], page_directory + 3
        mov eax, 0x83                           ; P, RW, PS
        mov edi, page_directory
.next:  mov [edi], eax
        add edi, 8
        add eax, 1 << 21
        cmp eax, 1 << 30
        jb .next
        ret

DEFINE_PUTS puts32

; Base 0, limit 4 GiB; the L bit makes 64-bit code, DPL 3 makes user segments.
align 8
gdt:    dq 0
        dq 0x00CF9A000000FFFF   ; 08 kernel code, 32-bit
        dq 0x00CF92000000FFFF   ; 10 kernel data
        dq 0x00AF9A000000FFFF   ; 18 kernel code, 64-bit
        dq 0x00CFF2000000FFFF   ; 20 user data
        dq 0x00AFFA000000FFFF   ; 28 user code, 64-bit
gdt_tss:
        dq 0x0000890000000067, 0        ; 30 TSS, 104 bytes; its base is filled in by long.asm
gdt_end:
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt, 0

hello16: db 13, 10, "ring3 teaching kernel", 13, 10, "hello from real mode", 13, 10, 0
hello32: db "hello from protected mode", 13, 10, 0
