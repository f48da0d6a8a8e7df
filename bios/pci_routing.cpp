// SPDX-License-Identifier: MIT
#include "bios/pci_routing.h"

#include <numeric>

#include "bios/byte_writer.h"

namespace ring3 {

std::vector<u8> build_pci_routing() {
  constexpr unsigned kHeader = 32, kEntry = 16, kFirstSlot = 1, kLastSlot = 31, kPins = 4;
  constexpr unsigned kChecksum = 31, kPirqA = 0x60;
  constexpr unsigned kRouter = kFirstSlot << 3;  // the PIIX3's device and function
  constexpr u32 kCompatible = 0x122E'8086;       // whose registers it has: the PIIX
  constexpr u16 kOnlyPci = 1 << 10 | 1 << 11;
  constexpr u16 kPossible = 0xDEF8;  // what a PIRQ register takes: 3 to 7, 9 to 12, 14, 15
  ByteWriter w;
  w.text("$PIR").u16_(0x0100).u16_(kHeader + kEntry * (kLastSlot - kFirstSlot + 1));
  w.u8_(0).u8_(kRouter).u16_(kOnlyPci).u32_(kCompatible).zeros(4 + 11 + 1);
  for (unsigned slot = kFirstSlot; slot <= kLastSlot; ++slot) {
    w.u8_(0).u8_(slot << 3);
    for (unsigned pin = 0; pin < kPins; ++pin)
      w.u8_(kPirqA + (slot - 1 + pin) % kPins).u16_(kPossible);
    w.u8_(0).u8_(0);
  }
  std::vector<u8> table = w.take();
  table[kChecksum] = static_cast<u8>(-std::accumulate(table.begin(), table.end(), 0));
  return table;
}

}  // namespace ring3
