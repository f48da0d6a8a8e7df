// SPDX-License-Identifier: MIT
// The flat environments that boot protocols ask for: a GDT with 4 GiB segments and, for the 64-bit
// entry, page tables that map the first 4 GiB to themselves.
#pragma once

#include "bios/load_target.h"

namespace ring3 {

inline constexpr u16 kBootCs = 0x10, kBootDs = 0x18;  // as the Linux boot protocol asks

/// Writes the GDT; rip and the general registers are the caller's.
EntryState enter_protected32(const LoadTarget& target);
/// Writes the GDT and the page tables.
EntryState enter_long64(const LoadTarget& target);

}  // namespace ring3
