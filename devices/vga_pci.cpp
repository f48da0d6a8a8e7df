// SPDX-License-Identifier: MIT
#include "devices/vga_pci.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ring3 {
namespace {

constexpr u32 kDefaultFrameBuffer = 0xFD00'0000, kDefaultRegisters = 0xFEBF'0000;
constexpr u64 kRegistersSize = 0x1000;

}  // namespace

VgaFunction::VgaFunction(u64 memory_bytes, u64 rom_bytes, std::function<void()> moved)
    : PciDevice({.vendor = 0x1234, .device = 0x1111, .class_code = 0x030000, .revision = 2}),
      moved_(std::move(moved)) {
  add_bar(kFrameBuffer, BarKind::Prefetch32, memory_bytes);
  add_bar(kRegisters, BarKind::Memory32, kRegistersSize);
  if (rom_bytes) add_rom_bar(static_cast<u32>(std::bit_ceil(std::max<u64>(rom_bytes, 0x1000))));
}

void VgaFunction::set_up_as_firmware() {
  config_write(0x10 + 4 * kFrameBuffer, Width::Dword, kDefaultFrameBuffer);
  config_write(0x10 + 4 * kRegisters, Width::Dword, kDefaultRegisters);
  config_write(0x04, Width::Word, 3);
}

std::optional<u64> VgaFunction::window(unsigned bar) const {
  const u64 address = bar_address(bar);
  if (!memory_enabled() || address == 0) return std::nullopt;
  return address;
}

}  // namespace ring3
