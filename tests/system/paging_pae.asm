; SPDX-License-Identifier: MIT
; Page faults: PAE paging, see paging.inc.
%define MODE 36
%include "lib.inc"
section .text
bits 32
%include "paging.inc"
