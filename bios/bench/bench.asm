; SPDX-License-Identifier: MIT
; The bench guest: a Multiboot kernel that runs each workload of workloads.def in ring 0 and in ring 3,
; takes its time, and prints one line for it on COM1:
;   bench: name=integer ring=3 units=200000 cycles=812345 ns=312440 hash=0123456789ABCDEF
; cycles by RDTSC; ns from them by the HPET, against which the TSC is measured once at the start. The hash is
; of the registers and the memory that the workload leaves, never of times: engines must agree on it.
; An exception that none of them should raise ends its workload, with a line that tells it instead.
; It ends with `bench: done`, if there was none, and powers the machine off by ACPI (port 604h).
; How many units each runs stands in the last bytes of the image, see `parameters`: a loader may change them.

BASE equ 0x10000
org BASE

; Selectors of boot.asm's GDT, used on the way here, and of ours, in the order that SYSCALL and SYSRET want.
KERNEL_CODE32 equ 0x08
KERNEL_DATA equ 0x10
KERNEL_CODE64 equ 0x18
BENCH_CODE equ 0x08
BENCH_DATA equ 0x10
USER_DATA equ 0x18 | 3
USER_CODE equ 0x20 | 3
TSS_SELECTOR equ 0x28

COM1 equ 0x3F8
SYSCALL_VECTOR equ 0x80
FINISH_VECTOR equ 3             ; INT3, the end of ring 3: workloads without SYSCALL need none
TIMER_VECTOR equ 0x40
IO_BITMAP_BYTES equ 0x88 / 8 + 1 ; to port 87h, and a last byte of ones
RFLAGS_RUN equ 0x3202           ; IOPL 3 and IF: port I/O, CLI and STI are allowed in ring 3

; Where workloads see their world, whatever their ring: entry 1 of the PML4, in pages of 4 KiB.
USER_BASE equ 1 << 39
USER_CODE_AT equ USER_BASE
USER_DATA_AT equ USER_BASE + 0x10000
USER_STACK_TOP equ USER_BASE + 0x21000
USER_SHARED equ USER_BASE + 0x22000     ; times and ticks: what is not hashed
USER_PRIVATE equ USER_BASE + 0x23000    ; another page in each of the two address spaces
USER_REMAP equ USER_BASE + 0x24000
USER_HPET equ USER_BASE + 0x26000
USER_LAPIC equ USER_BASE + 0x27000
USER_WINDOW equ USER_BASE + 0x40000
WINDOW_PAGES equ 64
CODE_PAGES equ 8
DATA_PAGES equ 8

TIME_START equ USER_SHARED
TIME_END equ USER_SHARED + 8
TICKS equ USER_SHARED + 16

; What ring 3 asks the kernel for, in EAX, by SYSCALL.
SERVICE_NOTHING equ 0
SERVICE_LOAD_CR3 equ 1          ; RDX
SERVICE_REMAP equ 2             ; RDX: the entry for USER_REMAP

section .text
%include "../guest/boot.asm"
%include "setup.asm"
%include "kernel.asm"
%include "report.asm"
%include "../guest/serial.asm"

align 4096
user_code:
%define RING 0
%include "workloads.asm"
%define RING 3
%include "workloads.asm"
user_code_end:

; For each workload: its units in ring 0, its units in ring 3; 0: not run.
align 16
parameters:
%define WORKLOAD(name, units0, units3, what) dq units0, units3
%include "workloads.def"
image_end:

section .bss nobits align=4096
pml4: resb 4096
pdpt: resb 4096
page_directory: resb 4096
pml4_b: resb 4096               ; the second address space
user_tables: resb 3 * 4096      ; PDPT, page directory, page table
user_tables_b: resb 3 * 4096
data: resb DATA_PAGES * 4096
user_stack: resb 4096
shared: resb 4096
kernel_stack: resb 4096
kernel_stack_top:
interrupt_stack: resb 4096
interrupt_stack_top:
tss: resb 104 + IO_BITMAP_BYTES
multiboot_info: resd 1
alignb 8
hpet_period: resq 1             ; femtoseconds
ns_scale: resq 1                ; nanoseconds a cycle, in 2^-32
window_last: resq 1             ; the page of the window that is mapped
result: resq 16                 ; registers at the end of a workload
bss_end:

user_table equ user_tables + 2 * 4096
user_table_b equ user_tables_b + 2 * 4096
