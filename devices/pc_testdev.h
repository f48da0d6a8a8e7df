// SPDX-License-Identifier: MIT
// QEMU's pc-testdev, which kvm-unit-tests drives: a 32-bit scratch register, interrupt lines, a
// page flush (nothing is cached here, so it does nothing), and 64 KiB of scratch MMIO.
#pragma once

#include <functional>
#include <vector>

#include "core/device.h"
#include "mmu/physical_memory.h"

namespace ring3 {

class PcTestdev final : public Device, public MmioHandler {
 public:
  // Offsets to map: 0 at E0h (4 ports), 4 at E4h (4), 8 at E8h (4), 100h at 2000h (24).
  static constexpr u32 kScratch = 0, kFlush = 4, kScratchBytes = 8, kIrqLines = 0x100;
  static constexpr u32 kIrqs = 24;
  static constexpr u64 kMmio = 0xFF00'0000, kMmioSize = 0x10000;

  explicit PcTestdev(std::function<void(unsigned, bool)> set_irq);

  std::string_view name() const override { return "pc-testdev"; }
  u32 read(u32 offset, Width width) override;
  void write(u32 offset, Width width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  u64 mmio_read(u64 offset, unsigned size) override;
  void mmio_write(u64 offset, unsigned size, u64 value) override;

 private:
  std::function<void(unsigned, bool)> set_irq_;
  u32 scratch_ = 0;
  std::vector<u8> memory_;
};

}  // namespace ring3
