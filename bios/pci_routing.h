// SPDX-License-Identifier: MIT
// The PCI interrupt routing table "$PIR" (PCI IRQ Routing Table Specification 1.0) of the board's
// PIIX3: which PIRQ the pins of each slot are wired to. Not emulated: slots' numbers on the case.
#pragma once

#include <vector>

#include "base/types.h"

namespace ring3 {

/// To be placed at a multiple of 16 in F0000h-FFFFFh.
std::vector<u8> build_pci_routing();

}  // namespace ring3
