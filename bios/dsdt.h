// SPDX-License-Identifier: MIT
// The Differentiated System Description Table's definition block: the devices of the "pc" board.
// Not emulated: sleep states other than S5, hotplug, thermal zones, embedded controller.
#pragma once

#include "bios/aml.h"
#include "bios/board_info.h"

namespace ring3 {

/// The AML without the table header.
aml::Bytes dsdt_definition_block(const BoardInfo& board);

}  // namespace ring3
