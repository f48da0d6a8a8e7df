; SPDX-License-Identifier: MIT
; The embedded guest: a teaching kernel. It walks from real mode through protected mode to long mode,
; runs two preempted user processes under paging and then offers a prompt on COM1.
; One flat image at BASE, with a Multiboot 1 header (a.out kludge): ring3 enters it in real mode at
; its first byte, any Multiboot loader in protected mode at multiboot_entry. EBX points to the
; Multiboot information in both cases.
; Not there: a file system, a second cpu, memory management beyond fixed page tables.

BASE equ 0x10000
org BASE

; Selectors of the GDT in boot.asm.
KERNEL_CODE32 equ 0x08
KERNEL_DATA equ 0x10
KERNEL_CODE64 equ 0x18
USER_DATA equ 0x20 | 3
USER_CODE64 equ 0x28 | 3
TSS_SELECTOR equ 0x30

COM1 equ 0x3F8
TICKS_PER_SECOND equ 100

section .text
%include "boot.asm"
%include "long.asm"
%include "interrupts.asm"
%include "tasks.asm"
%include "user.asm"
%include "serial.asm"
%include "shell.asm"
align 4
image_end:

; What the loader zeroes: page tables, stacks, variables.
section .bss nobits align=4096
pml4: resb 4096                 ; the kernel's own address space
pdpt: resb 4096
page_directory: resb 4096
process_tables: resb PROCESSES * PROCESS_PAGES * 4096
kernel_stack: resb 4096
kernel_stack_top:
tss: resb 104
idt: resb 256 * 16
multiboot_info: resd 1
bss_end:
