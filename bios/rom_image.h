// SPDX-License-Identifier: MIT
// ring3's own BIOS (rom/*.asm), made ready for a board: the header at its start tells it what it
// would else have to look for, and the tables that belong below 1 MiB stand in it.
#pragma once

#include <optional>

#include "bios/board_info.h"
#include "bios/load_target.h"

namespace ring3 {

struct RomOptions {
  bool serial_console = false;  ///< the screen on COM1, too
  bool boot_menu = false;
  std::optional<EntryState> entry;  ///< real mode: started after POST, instead of a boot loader
};

inline constexpr u64 kRomAddress = 0xF0000, kRomSize = 0x10000;

/// The 64 KiB for kRomAddress. `target` tells the sizes of memory and is not written to.
std::vector<u8> build_rom(const LoadTarget& target, const BoardInfo& board,
                          const RomOptions& options);

/// What belongs into RAM beside it: the ACPI tables. At each reset.
void place_rom_tables(const LoadTarget& target, const BoardInfo& board);

}  // namespace ring3
