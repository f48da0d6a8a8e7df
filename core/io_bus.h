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
  /// An access that runs past the end of a range is split into bytes, one that is wider than the
  /// device into its widest (Device::max_width). Ports past FFFFh and unmapped ones: open bus.
  u32 read(u16 port, Width width);
  void write(u16 port, Width width, u32 value);
  /// Ports that reach the same device in order: f(first, last, name).
  template <class F>
  void for_each_range(F&& f) const {
    for (u32 first = 0, last = 0; first < by_port_.size(); first = last + 1) {
      const u16 range = by_port_[first];
      for (last = first; last + 1 < by_port_.size() && by_port_[last + 1] == range;) ++last;
      if (const Device* device = ranges_[range].device)
        f(static_cast<u16>(first), static_cast<u16>(last), device->name());
    }
  }

 private:
  struct Range {
    u16 base;
    u32 count;
    Device* device;
    u32 offset;
  };
  Range& range_at(u32 port) { return ranges_[by_port_[port]]; }
  bool splits(u16 port, Width width) const;
  u32 read_whole(u16 port, Width width);
  void write_whole(u16 port, Width width, u32 value);
  void unassigned(u16 port, bool write);
  void drop_unused_ranges();

  static constexpr u16 kNothing = 0, kNothingLogged = 1;
  std::vector<Range> ranges_;  ///< the first two: nothing, and nothing that was logged
  std::vector<u16> by_port_;   ///< port -> index into ranges_
  u32 unassigned_ = 0;         ///< rate limit of the log
};

}  // namespace ring3
