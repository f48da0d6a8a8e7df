; SPDX-License-Identifier: MIT
; INT 10h: the table of functions, modes and what is asked about them (IBM VGA Technical Reference
; "BIOS"). Text goes to the VGA, or to a screen in memory where there is none, and to the serial
; console. Not there: light pen, 40
; columns with a VGA, CGA and EGA modes, text in graphics modes, fonts, saving of the video state.

int10_functions:
        FUNCTION 0x00, video_set_mode
        FUNCTION 0x01, video_cursor_shape
        FUNCTION 0x02, video_set_cursor
        FUNCTION 0x03, video_get_cursor
        FUNCTION 0x05, video_set_page
        FUNCTION 0x06, video_scroll_up
        FUNCTION 0x07, video_scroll_down
        FUNCTION 0x08, video_read_cell
        FUNCTION 0x09, video_write_cells
        FUNCTION 0x0A, video_write_characters
        FUNCTION 0x0B, no_operation
        FUNCTION 0x0C, video_write_pixel
        FUNCTION 0x0D, video_read_pixel
        FUNCTION 0x0E, video_teletype
        FUNCTION 0x0F, video_get_mode
        FUNCTION 0x10, video_palette
        FUNCTION 0x11, video_font
        FUNCTION 0x12, video_alternate
        FUNCTION 0x13, video_write_string
        FUNCTION 0x1A, video_display_code
        FUNCTION 0x4F, video_vbe
        FUNCTION OTHERS, no_operation

int10:
        sti
        DISPATCH int10_functions

COLUMNS equ 80
TEXT_ROWS equ 25

; Screen or not, then mode 3.
video_init:
        push BDA
        pop ds
        push DATA
        pop es
        mov word [es:text_segment], SCREEN
        test byte [cs:header_flags], FLAG_VGA
        jz .no_vga
        mov byte [es:has_vga], 1
        mov word [es:text_segment], 0xB800
        call vga_save_font
.no_vga:
        test byte [cs:header_flags], FLAG_SERIAL
        jz .no_serial
        mov ax, [BDA_COM]
        mov [es:serial_port], ax
.no_serial:
        call serial_init
        mov ax, 0x0003
        int 0x10
        ret

video_set_mode:
        mov bl, al
        and al, 0x7F
        cmp al, 3
        ja vga_graphics_mode
        cmp byte [es:has_vga], 0
        je .text
        or al, 2                ; 80 columns
        call vga_text_mode
.text:  call text_mode_data
        test bl, 0x80
        jnz .keep
        call clear_screen
.keep:  call serial_clear
        mov byte [bp + R_AL], 0x30
        ret

; The BIOS data area for a text mode of 80x25: AL.
text_mode_data:
        mov [BDA_VIDEO_MODE], al
        mov word [BDA_VIDEO_COLUMNS], COLUMNS
        cmp al, 1
        ja .wide
        mov word [BDA_VIDEO_COLUMNS], COLUMNS / 2
.wide:  mov word [BDA_PAGE_SIZE], 0x1000
        mov word [BDA_PAGE_START], 0
        mov dword [BDA_CURSORS], 0
        mov dword [BDA_CURSORS + 4], 0
        mov dword [BDA_CURSORS + 8], 0
        mov dword [BDA_CURSORS + 12], 0
        mov word [BDA_CURSOR_SHAPE], 0x0607
        mov byte [BDA_PAGE], 0
        mov word [BDA_CRTC], 0x3D4
        mov word [BDA_CRTC + 2], 0x0029
        mov byte [BDA_ROWS], TEXT_ROWS - 1
        mov word [BDA_CHAR_HEIGHT], 16
        mov byte [BDA_VIDEO_CONTROL], 0x60
        mov byte [BDA_VIDEO_SWITCHES], 0xF9
        mov byte [BDA_VIDEO_FLAGS], 0x51
        mov byte [BDA_DISPLAY_CODE], 0x08
        ret

clear_screen:
        push es
        mov cx, COLUMNS * 50    ; what there is in memory without a VGA
        cmp byte [es:has_vga], 0
        je .cells
        mov cx, 0x4000
.cells: mov es, [es:text_segment]
        xor di, di
        mov ax, 0x0720
        rep stosw
        pop es
        ret

video_get_mode:
        mov al, [BDA_VIDEO_MODE]
        mov ah, [BDA_VIDEO_CONTROL]
        and ah, 0x80
        or al, ah
        mov [bp + R_AL], al
        mov al, [BDA_VIDEO_COLUMNS]
        mov [bp + R_AH], al
        mov al, [BDA_PAGE]
        mov [bp + R_BH], al
        ret

video_display_code:
        cmp al, 1
        ja .end
        mov byte [bp + R_AL], 0x1A
        jb .get
        mov [BDA_DISPLAY_CODE], bl
        ret
.get:   movzx ax, byte [BDA_DISPLAY_CODE]
        mov [bp + R_BX], ax
.end:   ret

; AH=12h: BL=10h EGA information, 30h-36h are taken without effect.
video_alternate:
        cmp bl, 0x10
        je .information
        cmp bl, 0x30
        jb .unknown
        cmp bl, 0x36
        ja .unknown
        mov byte [bp + R_AL], 0x12
.unknown:
        ret
.information:
        mov word [bp + R_BX], 0x0003 ; colour, 256 KiB
        mov word [bp + R_CX], 0x0009
        ret
