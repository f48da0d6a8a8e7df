// SPDX-License-Identifier: MIT
// A device whose registers stand in memory. 64-bit accesses are split into two of 32 bits, low
// first.
#pragma once

#include "core/device.h"
#include "mmu/physical_memory.h"

namespace ring3 {

class MmioDevice : public Device, public MmioHandler {
 public:
  u64 mmio_read(u64 offset, unsigned size) override {
    const u32 at = static_cast<u32>(offset);
    if (size != 8) return read(at, static_cast<Width>(size));
    const u64 low = read(at, Width::Dword);
    return low | u64{read(at + 4, Width::Dword)} << 32;
  }
  void mmio_write(u64 offset, unsigned size, u64 value) override {
    const u32 at = static_cast<u32>(offset);
    if (size != 8) return write(at, static_cast<Width>(size), static_cast<u32>(value));
    write(at, Width::Dword, static_cast<u32>(value));
    write(at + 4, Width::Dword, static_cast<u32>(value >> 32));
  }
};

}  // namespace ring3
