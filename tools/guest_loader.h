// SPDX-License-Identifier: MIT
// From options to a guest in memory: firmware tables, then the image that the options name.
#pragma once

#include "bios/board_info.h"
#include "bios/load_target.h"
#include "mmu/physical_memory.h"
#include "tools/options.h"

namespace ring3 {

/// The loaders' view of a physical memory.
LoadTarget load_target(PhysicalMemory& memory);

/// Loads -kernel (Linux or Multiboot), -image, or else the built-in guest.
Result<EntryState> load_guest(PhysicalMemory& memory, const BoardInfo& board,
                              const Options& options);

}  // namespace ring3
