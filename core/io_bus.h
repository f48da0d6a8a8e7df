// SPDX-License-Identifier: MIT
// The 64 KiB I/O space: port ranges of devices; the rest is open bus.
#pragma once

#include <array>
#include <vector>

#include "core/device.h"

namespace ring3 {

class IoBus {
 public:
  IoBus();
  /// Ports [base, base + count) reach `device` as offsets [offset, offset + count). Later wins.
  void map(u16 base, u32 count, Device& device, u32 offset = 0);
  void unmap(u16 base, u32 count);
  /// An access that runs past the end of a range is split into bytes.
  u32 read(u16 port, Width width);
  void write(u16 port, Width width, u32 value);

 private:
  struct Range {
    u16 base;
    u32 count;
    Device* device;
    u32 offset;
  };
  std::vector<Range> ranges_;  ///< index 0: nothing
  std::vector<u16> by_port_;   ///< port -> index into ranges_
  u32 unassigned_ = 0;         ///< rate limit of the log
};

}  // namespace ring3
