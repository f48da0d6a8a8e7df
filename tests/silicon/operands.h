// SPDX-License-Identifier: MIT
// The state a case starts from: random and corner values in every register, memory operands aimed
// at the arena: aligned, unaligned, across pages, at read-only and missing pages.
#pragma once

#include "tests/silicon/encode.h"
#include "tests/silicon/state.h"

namespace ring3::silicon {

/// A value with the bit patterns that arithmetic stumbles over.
u64 interesting(Rng& rng);

/// Fills regs and data of a case for these bytes; a function of bytes, mode and seed alone.
Case make_case(Mode mode, std::span<const u8> bytes, u64 seed);

}  // namespace ring3::silicon
