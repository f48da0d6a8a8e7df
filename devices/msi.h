// SPDX-License-Identifier: MIT
// Message signalled interrupts: a bus master's write into FEExxxxxh is an interrupt message (SDM 3A
// "Message Signalled Interrupts"). Not emulated: interrupt remapping.
#pragma once

#include "base/bits.h"
#include "devices/apic_bus.h"

namespace ring3 {

/// A message to another address is a plain write, which no driver asks for: dropped.
inline void send_msi(ApicBus& bus, u64 address, u32 data) {
  if (address >> 20 != 0xFEE) return;
  ApicMessage m;
  m.destination = static_cast<u32>(bits(address, 19, 12));
  m.logical = address >> 2 & 1;
  m.mode = static_cast<DeliveryMode>(bits(data, 10, 8));
  m.vector = static_cast<u8>(data);
  m.level = data >> 15 & 1;
  bus.deliver(m);
}

}  // namespace ring3
