// SPDX-License-Identifier: MIT
// What a BIOS does to PCI before a boot loader starts: addresses for every BAR, interrupt line
// registers, decoding and bus mastering on.
#pragma once

#include <span>

#include "devices/pci.h"

namespace ring3 {

/// `pirq_irqs`: the ISA interrupt of PIRQA-PIRQD.
void set_up_pci(PciHost& pci, std::span<const u8, 4> pirq_irqs);

}  // namespace ring3
