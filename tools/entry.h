// SPDX-License-Identifier: MIT
// Puts the cpu into the state in which a loader wants it to start.
#pragma once

#include "bios/load_target.h"
#include "core/cpu.h"

namespace ring3 {

/// Resets the cpu, then enters the mode and loads the registers that `entry` names. The loader has
/// already written the GDT and page tables.
void enter(Cpu& cpu, const EntryState& entry);

}  // namespace ring3
