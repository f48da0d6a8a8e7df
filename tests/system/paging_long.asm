; SPDX-License-Identifier: MIT
; Page faults: 4-level paging, see paging.inc.
%define MODE 64
%include "lib.inc"
section .text
bits 32
%include "paging.inc"
