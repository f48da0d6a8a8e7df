// SPDX-License-Identifier: MIT
// Writes random machine code that is the same in 32- and 64-bit mode: arithmetic on eax, ecx, ebx
// and esi, loads and stores through edx, short forward branches.
#pragma once

#include "bench.h"

typedef u32 (*Function)(void);

// Memory that may be written and run.
u8* allocate_code(size_t bytes);

// A function of `count` instructions at `out` that works on 128 bytes at `data` and returns a
// number; gives its end. Equal seeds give equal results.
u8* emit_function(u8* out, void* data, int count, u32* seed);

// mov edx or rdx, address.
u8* emit_load_edx(u8* out, const void* address);
