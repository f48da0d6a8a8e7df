// SPDX-License-Identifier: MIT
// Flags that the manual leaves undefined: the interpreter and the host's processor may set them
// differently, and a guest may store them (PUSHF, interrupts). What may differ, and no more.
#pragma once

#include "core/cpu_state.h"

namespace ring3::verify {

/// True if a stored word of `size` bytes (2, 4 or 8) reads as a flags image: bit 1 set, bits 3, 5
/// and 15 and those above 21 clear (SDM 1 "EFLAGS Register").
constexpr bool is_flags_image(u64 value, unsigned size) {
  constexpr u64 kZero = ~u64{0x3F7FD7};
  const u64 mask = size == 8 ? ~u64{0} : low_mask(8 * size);
  return (value & 2) && (value & kZero & mask) == 0;
}

/// True if both are flags images that differ in arithmetic flags only.
constexpr bool same_but_arithmetic_flags(u64 a, u64 b, unsigned size) {
  return is_flags_image(a, size) && is_flags_image(b, size) && ((a ^ b) & ~flag::kArith) == 0;
}

}  // namespace ring3::verify
