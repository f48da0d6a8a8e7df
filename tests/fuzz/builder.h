// SPDX-License-Identifier: MIT
// Writes programs for seeds, in the words of a driver.
#pragma once

#include <initializer_list>
#include <vector>

#include "tests/fuzz/program.h"
#include "tests/fuzz/regions.h"

namespace ring3::fuzz {

class Builder {
 public:
  std::vector<u8> bytes;

  Builder& op(const Op& o) { return append(bytes, o), *this; }
  Builder& out(Port port, u32 value, u16 offset = 0, unsigned width = 0) {
    return op({Kind::Out, select(port, width), offset, value});
  }
  /// Values to the same port, one after another.
  Builder& outs(Port port, std::initializer_list<u32> values, u16 offset = 0) {
    for (const u32 value : values) out(port, value, offset);
    return *this;
  }
  Builder& in(Port port, u16 offset = 0, unsigned width = 0) {
    return op({Kind::In, select(port, width), offset, 0});
  }
  Builder& in_repeat(Port port, u32 times, unsigned width = 1, u16 offset = 0) {
    return op({Kind::InRepeat, select(port, width), offset, times});
  }
  Builder& out_repeat(Port port, u32 times, unsigned width = 1, u16 offset = 0) {
    return op({Kind::OutRepeat, select(port, width), offset, times << 16 | 0x1234});
  }
  Builder& write(Memory window, u16 offset, u32 value, unsigned width = 2) {
    return op({Kind::MemoryOut, select(window, width), offset, value});
  }
  Builder& read(Memory window, u16 offset, unsigned width = 2) {
    return op({Kind::MemoryIn, select(window, width), offset, 0});
  }
  Builder& ram(u8 page, u16 offset, u32 value, unsigned width = 2) {
    return op({Kind::Ram, select(page, width), offset, value});
  }
  Builder& descriptor(u8 page, unsigned index, u8 target, u32 length, unsigned flags,
                      unsigned next) {
    return op({Kind::Descriptor, page, static_cast<u16>(index | flags << 6 | next << 9),
               target | length << 8});
  }
  Builder& prd(u8 page, u16 index, u8 target, u32 count, bool last) {
    return op({Kind::Prd, page, index, target | count << 8 | u32{last} << 31});
  }
  Builder& pci(u8 function, u16 reg, u32 value, unsigned width = 2) {
    return op({Kind::PciOut, select(function, width), reg, value});
  }
  Builder& pci_in(u8 function, u16 reg) { return op({Kind::PciIn, select(function, 2), reg, 0}); }
  Builder& pass(u32 ns) { return op({Kind::Pass, 0, 0, ns}); }
  Builder& sleep(unsigned times = 1) {
    while (times--) op({Kind::Sleep});
    return *this;
  }
  Builder& interrupt() { return op({Kind::Interrupt, 7}); }
  Builder& draw() { return op({Kind::Draw}); }
  Builder& restore() { return op({Kind::Restore}); }

 private:
  static u8 select(unsigned what, unsigned width) { return static_cast<u8>(what | width << 6); }
};

}  // namespace ring3::fuzz
