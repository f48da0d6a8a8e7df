// SPDX-License-Identifier: MIT
#include "devices/pc_testdev.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace ring3 {

PcTestdev::PcTestdev(std::function<void(unsigned, bool)> set_irq)
    : set_irq_(std::move(set_irq)), memory_(kMmioSize) {}

u32 PcTestdev::read(u32 offset, Width width) {
  if (offset >= kFlush && offset < kScratchBytes) return open_bus(width);
  if (offset >= kIrqLines) return open_bus(width);
  return (scratch_ >> (8 * (offset & 3))) & open_bus(width);
}

void PcTestdev::write(u32 offset, Width width, u32 value) {
  if (offset >= kIrqLines) {
    if (offset - kIrqLines < kIrqs) set_irq_(offset - kIrqLines, value & 0xFF);
    return;
  }
  if (offset >= kFlush && offset < kScratchBytes) return;
  const unsigned shift = 8 * (offset & 3);
  scratch_ = (scratch_ & ~(open_bus(width) << shift)) | (value & open_bus(width)) << shift;
}

void PcTestdev::reset() {
  scratch_ = 0;
  std::fill(memory_.begin(), memory_.end(), u8{0});
}

void PcTestdev::fields(FieldVisitor& v) {
  v("scratch", scratch_);
  v.field("memory", memory_.data(), memory_.size());
}

u64 PcTestdev::mmio_read(u64 offset, unsigned size) {
  u64 value = 0;
  if (offset + size <= kMmioSize) std::memcpy(&value, &memory_[offset], size);
  return value;
}

void PcTestdev::mmio_write(u64 offset, unsigned size, u64 value) {
  if (offset + size <= kMmioSize) std::memcpy(&memory_[offset], &value, size);
}

}  // namespace ring3
