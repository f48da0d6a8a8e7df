// SPDX-License-Identifier: MIT
// Goes through configuration space as firmware does (PCI 2.1, "Sizing a base address register").
#include "devices/pci_setup.h"

#include "base/bits.h"
#include "devices/pc_layout.h"

namespace ring3 {
namespace {

constexpr u8 kCommand = 4, kBar0 = 0x10, kInterruptLine = 0x3C, kInterruptPin = 0x3D;
constexpr u32 kDecodeAndMaster = 7;

/// Hands out addresses upwards, each aligned to its size.
struct Pool {
  u64 next;
  u64 take(u64 size) {
    const u64 at = (next + size - 1) & ~(size - 1);
    next = at + size;
    return at;
  }
};

struct Pools {
  Pool io{layout::kPciIoStart}, memory{layout::kPciMemoryStart};
};

u32 sized(PciDevice& device, u8 reg) {
  device.config_write(reg, Width::Dword, ~0u);
  return device.config_read(reg, Width::Dword);
}

void place_bars(PciDevice& device, Pools& pools) {
  for (u8 reg = kBar0; reg < kBar0 + 24; reg = static_cast<u8>(reg + 4)) {
    const u32 bar = sized(device, reg);
    if (bar == 0) continue;
    const bool io = bar & 1, wide = !io && (bar & 6) == 4;
    const u32 mask = bar & (io ? ~3u : ~15u);
    Pool& pool = io ? pools.io : pools.memory;
    device.config_write(reg, Width::Dword, static_cast<u32>(pool.take(-mask & 0xFFFF'FFFF)));
    if (!wide) continue;
    reg = static_cast<u8>(reg + 4);
    device.config_write(reg, Width::Dword, 0);
  }
}

}  // namespace

void set_up_pci(PciHost& pci, std::span<const u8, 4> pirq_irqs) {
  Pools pools;
  pci.for_each([&](unsigned slot, unsigned, PciDevice& device) {
    place_bars(device, pools);
    if (const u32 pin = device.config_read(kInterruptPin, Width::Byte))
      device.config_write(kInterruptLine, Width::Byte, pirq_irqs[(slot - 1 + pin - 1) & 3]);
    device.config_write(kCommand, Width::Word, kDecodeAndMaster);
  });
}

}  // namespace ring3
