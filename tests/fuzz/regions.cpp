// SPDX-License-Identifier: MIT
#include "tests/fuzz/regions.h"

#include <iterator>

#include "devices/pc_testdev.h"

namespace ring3::fuzz {
namespace {

PciDevice* find(Pc& pc, unsigned slot, unsigned function) {
  PciDevice* found = nullptr;
  pc.pci().for_each([&](unsigned s, unsigned f, PciDevice& device) {
    if (s == slot && f == function) found = &device;
  });
  return found;
}
PciDevice* vga(Pc& pc) { return &pc.vga()->function(); }
PciDevice* ide(Pc& pc) { return &pc.storage().ide_function(); }
PciDevice* virtio1(Pc& pc) { return find(pc, layout::kSlotVirtio, 0); }
PciDevice* virtio2(Pc& pc) { return find(pc, layout::kSlotVirtio + 1, 0); }
PciDevice* input(Pc& pc, unsigned which) { return find(pc, layout::kSlotInput + which, 0); }

const PortRegion kPortTable[] = {
    {0x20, 2},
    {0xA0, 2},
    {0x4D0, 2},
    {0x40, 4},
    {0x61, 1},
    {0x60, 1},
    {0x64, 1},
    {0x92, 1},
    {0x70, 2},
    {0x80, 1},
    {0x00, 16},
    {0x81, 15},
    {0xC0, 32},
    {0xB2, 2},
    {0x3F8, 8},
    {0x2F8, 8},
    {0x3E8, 8},
    {0x2E8, 8},
    {0x402, 1},
    {0xF4, 4},
    {0x510, 12},
    {0x3F0, 8},
    {0x1F0, 8},
    {0x170, 8},
    {0x3F6, 1},
    {0x376, 1},
    {0xCF8, 8},
    {0x600, 64},
    {0xAFE0, 4},
    {0x3B4, 7},
    {0x3C0, 16},
    {0x3D4, 7},
    {0x1CE, 3},
    {0xE0, 12},
    {0x2000, 24},
    {0xC000, 16, ide, 4},
    {0, 128, virtio1, 0},
    {0, 128, virtio2, 0},
    {VmMouse::kPort, 4},
};
static_assert(std::size(kPortTable) == kPorts);

u64 bar(PciDevice* function, unsigned index) { return function->bar_address(index); }

}  // namespace

PortRegion port_region(Pc& pc, unsigned number) {
  PortRegion region = kPortTable[number % kPorts];
  if (region.function) region.base = static_cast<u16>(bar(region.function(pc), region.bar));
  return region;
}

Window window(Pc& pc, unsigned number) {
  constexpr u64 kModernSize = 0x4000, kMsixSize = 0x1000;
  switch (static_cast<Memory>(number % kWindows)) {
    case kApic:
      return {pc.cpu().apic->apic_base() & ~kPageMask, kPageSize};
    case kIoApicWindow:
      return {layout::kIoApic, 0x50};
    case kHpetWindow:
      return {layout::kHpet, 0x400};
    case kVgaWindow:
      return {layout::kVgaHole, layout::kVgaHoleSize};
    case kFrameBuffer:
      return {bar(vga(pc), 0), Vga::kMemoryBytes};
    case kVgaRegisters:
      return {bar(vga(pc), 2), Vga::kMmioSize};
    case kOptionRoms:
      return {layout::kLowRoms, 0x2'0000};
    case kBiosRom:
      return {0xE'0000, 0x2'0000};
    case kModern1:
      return {bar(virtio1(pc), 4), kModernSize};
    case kMsix1:
      return {bar(virtio1(pc), 1), kMsixSize};
    case kModern2:
      return {bar(virtio2(pc), 4), kModernSize};
    case kMsix2:
      return {bar(virtio2(pc), 1), kMsixSize};
    case kTestMemory:
      return {PcTestdev::kMmio, PcTestdev::kMmioSize};
    case kRamEnd:
      return {pc.memory().low_ram_end() - 16, 64};
    case kHole:
      return {0xF000'0000, 0x10'0000};
    case kKeyboardWindow:
    case kMouseWindow:
    case kTabletWindow:
      return {bar(input(pc, number % kWindows - kKeyboardWindow), 4), kModernSize};
    case kTop:
    case kWindows:
      break;
  }
  return {0xFFFF'FFF0, 64};
}

u64 dma_address(Pc& pc, unsigned number) {
  if (number < kRamPages) return kPagesAt + number * kPageSize;
  const unsigned high = number - kRamPages;
  if (high < kWindows) return window(pc, high).start;
  return high & 1 ? ~u64{0} << (high & 63) : bit(high & 63) - 8;
}

}  // namespace ring3::fuzz
