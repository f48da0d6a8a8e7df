// SPDX-License-Identifier: MIT
// Guest memory as a debugger sees it: no faults, no accessed or dirty bits, no device registers.
#pragma once

#include "core/cpu.h"

namespace ring3 {

/// How many bytes could be read from `linear` on, in the present address space.
size_t peek_linear(const Cpu& cpu, u64 linear, void* out, size_t size);
/// Rights are not looked at. False, with nothing written: a page is not mapped, or is no RAM.
bool poke_linear(Cpu& cpu, u64 linear, const void* in, size_t size);
/// The same for physical addresses. Bytes of devices and holes read as FFh.
void peek_physical(const Cpu& cpu, u64 address, void* out, size_t size);

}  // namespace ring3
