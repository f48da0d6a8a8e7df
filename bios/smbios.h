// SPDX-License-Identifier: MIT
// SMBIOS 2.8 (DMTF DSP0134): entry point and structures 0, 1, 3, 4, 16, 17, 19, 32, 127. Not
// emulated: caches, slots, ports, OEM strings, the 64-bit entry point.
#pragma once

#include <vector>

#include "bios/board_info.h"

namespace ring3 {

/// Entry point with the structures right behind it, to be placed at `address`, a multiple of 16 in
/// F0000h-FFFFFh.
std::vector<u8> build_smbios(const BoardInfo& board, u64 ram_bytes, u64 low_ram_end,
                             u64 high_ram_end, u64 address);

}  // namespace ring3
