; SPDX-License-Identifier: MIT
; Page faults: 32-bit paging, see paging.inc.
%define MODE 32
%include "lib.inc"
section .text
bits 32
%include "paging.inc"
