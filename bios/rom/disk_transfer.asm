; SPDX-License-Identifier: MIT
; Moves sectors between a drive and memory, in pieces that every drive can take.

PIECE equ 64                    ; sectors: 32 KiB

; xfer_*, drive ES:DI: AL status, xfer_done the sectors that were moved.
disk_transfer:
        push fs
        call move_sectors
        pop fs
        ret

move_sectors:
        mov word [es:xfer_done], 0
        mov [es:xfer_drive], di
        cmp byte [es:di + DRIVE.type], DRIVE_CD
        je cd_transfer
        movzx eax, word [es:xfer_count]
        add eax, [es:xfer_lba]
        mov edx, [es:xfer_lba + 4]
        adc edx, 0
        sub eax, [es:di + DRIVE.sectors]
        sbb edx, [es:di + DRIVE.sectors + 4]
        jb .inside
        or eax, edx
        jnz .outside
.inside:
.next:  mov cx, [es:xfer_count]
        jcxz .done
        cmp cx, PIECE
        jbe .piece
        mov cx, PIECE
.piece: mov [es:xfer_piece], cx
        call normalize_buffer
        cmp byte [es:di + DRIVE.type], DRIVE_VIRTIO
        je .virtio
        call ide_piece
        jmp .moved
.virtio:
        call virtio_piece
.moved: mov di, [es:xfer_drive]
        test al, al
        jnz .end
        mov ax, [es:xfer_piece]
        sub [es:xfer_count], ax
        add [es:xfer_done], ax
        movzx ecx, ax
        add [es:xfer_lba], ecx
        adc dword [es:xfer_lba + 4], 0
        shl ax, 5               ; paragraphs
        add [es:xfer_segment], ax
        jmp .next
.done:  xor al, al
        ret
.outside:
        mov al, DISK_BAD_PARAMETER
.end:   ret

; An offset below 16, so that a piece does not leave the segment.
normalize_buffer:
        mov ax, [es:xfer_offset]
        shr ax, 4
        add [es:xfer_segment], ax
        and word [es:xfer_offset], 15
        ret

; EAX: the buffer's physical address.
buffer_address:
        push ecx
        movzx eax, word [es:xfer_segment]
        shl eax, 4
        movzx ecx, word [es:xfer_offset]
        add eax, ecx
        pop ecx
        ret

; A deadline: the tick of ten seconds from now in EBX. The ticks go on, for INT 13h lets interrupts
; in.
DISK_PATIENCE equ 182
start_waiting:
        mov ebx, [BDA_TICKS]
        add ebx, DISK_PATIENCE
        ret

; CF: the deadline has passed. (At midnight the wait is longer.) Keeps all registers.
still_waiting:
        cmp ebx, [BDA_TICKS]
        ret
