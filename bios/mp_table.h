// SPDX-License-Identifier: MIT
// The MultiProcessor Specification 1.4 tables, for guests that know no ACPI. Not emulated: extended
// entries, PCI interrupt assignments other than those of the ISA interrupts they share.
#pragma once

#include <vector>

#include "bios/board_info.h"

namespace ring3 {

/// Floating pointer with the configuration table right behind it, to be placed at `address`, a
/// multiple of 16 in F0000h-FFFFFh.
std::vector<u8> build_mp_table(const BoardInfo& board, u64 address);

}  // namespace ring3
