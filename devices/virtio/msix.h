// SPDX-License-Identifier: MIT
// MSI-X of a PCI function (PCI Local Bus 3.0, 6.8.2): the table of messages and the pending bits.
// The registers stand in a memory BAR: the table from 0, the pending bits from 800h.
#pragma once

#include <array>
#include <functional>
#include <utility>

#include "core/device.h"

namespace ring3 {

class Msix {
 public:
  static constexpr unsigned kVectors = 16;
  static constexpr u32 kPendingOffset = 0x800, kSize = 0x1000;
  /// A write of `data` to `address`, on the interrupt messages' side of the bus.
  using Send = std::function<void(u64 address, u32 data)>;

  explicit Msix(Send send) : send_(std::move(send)) {}

  u32 read(u32 offset, Width width) const;
  void write(u32 offset, Width width, u32 value);
  /// The function's enable and mask bits.
  void set_control(bool enabled, bool masked);
  bool enabled() const { return enabled_; }
  /// Sends the vector's message, or remembers it while it is masked.
  void signal(unsigned vector);
  void reset();
  void fields(FieldVisitor& v);

 private:
  struct Entry {
    u64 address = 0;
    u32 data = 0, control = 1;  ///< masked
  };
  u8 byte_at(u32 offset) const;
  void send_pending();

  Send send_;
  std::array<Entry, kVectors> table_{};
  u16 pending_ = 0;
  bool enabled_ = false, masked_ = false;  ///< derived from configuration space
};

}  // namespace ring3
