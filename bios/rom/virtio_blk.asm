; SPDX-License-Identifier: MIT
; virtio-blk disks, by the legacy interface of transitional devices (Virtual I/O Device 1.1, "Legacy
; Interface"): one queue, one request at a time, polled. Not there: modern-only devices.

VIRTIO_VENDOR equ 0x1AF4
VIRTIO_BLOCK equ 0x1001
; Registers.
VIRTIO_GUEST_FEATURES equ 0x04
VIRTIO_QUEUE_ADDRESS equ 0x08
VIRTIO_QUEUE_SIZE equ 0x0C
VIRTIO_QUEUE_SELECT equ 0x0E
VIRTIO_NOTIFY equ 0x10
VIRTIO_STATUS equ 0x12
VIRTIO_CAPACITY equ 0x14
VIRTIO_MOST equ 256             ; entries of a queue
DESCRIPTOR_NEXT equ 1
DESCRIPTOR_WRITE equ 2

virtio_init:
        xor bx, bx              ; bus 0
.next:  xor di, di
        call pci_read
        cmp eax, VIRTIO_BLOCK << 16 | VIRTIO_VENDOR
        jne .other
        call virtio_probe
.other: inc bl
        jnz .next
        ret

; The function BX. Keeps it.
virtio_probe:
        pusha
        mov di, 0x10
        call pci_read
        test al, 1
        jz .end
        and al, 0xFC
        mov si, ax
        test si, si
        jz .end
        mov di, 4
        call pci_read
        or al, 5
        call pci_write
        call new_disk
        jc .end
        mov [es:di + DRIVE.base], si
        mov [es:di + DRIVE.bdf], bx
        movzx ax, byte [BDA_DISKS]
        imul ax, ax, QUEUE_SIZE / 16
        add ax, QUEUES
        mov [es:di + DRIVE.queue], ax
        call virtio_start
        jc .end
        mov dx, [es:di + DRIVE.base]
        add dx, VIRTIO_CAPACITY
        in eax, dx
        mov [es:di + DRIVE.sectors], eax
        add dx, 4
        in eax, dx
        mov [es:di + DRIVE.sectors + 4], eax
        mov byte [es:di + DRIVE.type], DRIVE_VIRTIO
        call disk_complete
.end:   popa
        ret

; The device of drive ES:DI with its queue. CF: it has none that we can use.
virtio_start:
        mov dx, [es:di + DRIVE.base]
        add dx, VIRTIO_STATUS
        mov al, 0
        out dx, al
        mov al, 1               ; acknowledge
        out dx, al
        mov al, 3               ; driver
        out dx, al
        sub dx, VIRTIO_STATUS - VIRTIO_GUEST_FEATURES
        xor eax, eax
        out dx, eax
        add dx, VIRTIO_QUEUE_SELECT - VIRTIO_GUEST_FEATURES
        out dx, ax
        sub dx, 2
        in ax, dx
        test ax, ax
        jz .bad
        cmp ax, VIRTIO_MOST
        ja .bad
        mov [es:di + DRIVE.queue_size], ax
        mov word [es:di + DRIVE.last_used], 0
        call virtio_clear
        sub dx, VIRTIO_QUEUE_SIZE - VIRTIO_QUEUE_ADDRESS
        movzx eax, word [es:di + DRIVE.queue]
        shr eax, 8              ; pages
        out dx, eax
        add dx, VIRTIO_STATUS - VIRTIO_QUEUE_ADDRESS
        mov al, 7               ; driver is ready
        out dx, al
        clc
        ret
.bad:   stc
        ret

; An empty queue that wants no interrupts.
virtio_clear:
        pushad
        mov bx, [es:di + DRIVE.queue_size]
        shl bx, 4
        mov fs, [es:di + DRIVE.queue]
        push es
        push fs
        pop es
        xor di, di
        xor eax, eax
        mov cx, QUEUE_SIZE / 4
        rep stosd
        mov word [fs:bx], 1
        pop es
        popad
        ret

; The used ring of drive ES:DI: BX, behind descriptors and available ring, at the next page.
virtio_used:
        mov bx, [es:di + DRIVE.queue_size]
        imul bx, bx, 18
        add bx, 6 + 0xFFF
        and bx, 0xF000
        ret

; The piece of the transfer (xfer_*) by drive ES:DI: AL status.
virtio_piece:
        mov fs, [es:di + DRIVE.queue]
        call virtio_request
        ; Available: descriptor 0, next index.
        mov bx, [es:di + DRIVE.queue_size]
        mov cx, bx
        dec cx
        shl bx, 4
        mov si, [fs:bx + 2]
        mov ax, si
        and si, cx
        shl si, 1
        mov word [fs:bx + si + 4], 0
        inc ax
        mov [fs:bx + 2], ax
        mov dx, [es:di + DRIVE.base]
        add dx, VIRTIO_NOTIFY
        xor ax, ax
        out dx, ax
        call virtio_used
        mov si, bx
        call start_waiting
.wait:  mov ax, [fs:si + 2]
        cmp ax, [es:di + DRIVE.last_used]
        jne .used
        call still_waiting
        jae .wait
        mov al, DISK_TIMEOUT
        ret
.used:  mov [es:di + DRIVE.last_used], ax
        mov dx, [es:di + DRIVE.base]
        add dx, VIRTIO_STATUS + 1
        in al, dx               ; the interrupt, if it came
        mov al, [es:memory_packet + 16]
        test al, al
        jz .end
        mov al, DISK_CONTROLLER
.end:   ret

; Three descriptors: header, data, status.
virtio_request:
        movzx eax, byte [es:xfer_write]
        mov [es:memory_packet], eax
        mov dword [es:memory_packet + 4], 0
        mov eax, [es:xfer_lba]
        mov [es:memory_packet + 8], eax
        mov eax, [es:xfer_lba + 4]
        mov [es:memory_packet + 12], eax
        mov byte [es:memory_packet + 16], 0xFF
        mov dword [fs:0], (DATA << 4) + memory_packet
        mov dword [fs:4], 0
        mov dword [fs:8], 16
        mov dword [fs:12], 1 << 16 | DESCRIPTOR_NEXT
        call buffer_address
        mov [fs:16], eax
        mov dword [fs:20], 0
        movzx eax, word [es:xfer_piece]
        shl eax, 9
        mov [fs:24], eax
        movzx ax, byte [es:xfer_write]
        xor al, 1
        shl al, 1               ; the device writes what we read
        or al, DESCRIPTOR_NEXT
        mov [fs:28], ax
        mov word [fs:30], 2
        mov dword [fs:32], (DATA << 4) + memory_packet + 16
        mov dword [fs:36], 0
        mov dword [fs:40], 1
        mov dword [fs:44], DESCRIPTOR_WRITE
        ret
