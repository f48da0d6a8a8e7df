// SPDX-License-Identifier: MIT
// Pushes and pops of far transfers: on the current stack, or on one that is not loaded yet. rSP is
// a copy until the caller commits it, so that a fault half-way leaves the cpu as it was.
#pragma once

#include "core/cpu.h"

namespace ring3 {

/// True if `size` bytes at `offset` lie within the limit; expand-down data too.
bool within_limit(const Segment& segment, u64 offset, unsigned size);

/// The rights view of explicit accesses at a privilege level.
View view_at(const Cpu& cpu, u8 cpl);

class StackCursor {
 public:
  /// The current stack; a limit violation is #SS(0).
  explicit StackCursor(Cpu& cpu);
  /// A stack that a privilege change leads to. `width`: stack-address size in bytes.
  StackCursor(Cpu& cpu, const Segment& ss, u64 rsp, unsigned width, u8 cpl, const Fault& violation);

  /// Room for `bytes` more bytes of pushes, else the violation fault.
  void reserve(unsigned bytes) const;
  void push(u64 value, unsigned size);
  u64 pop(unsigned size);
  void skip(u64 bytes) { rsp_ = merge(rsp_ + bytes); }
  /// rSP with the bits that the stack-address size does not reach unchanged.
  u64 rsp() const { return rsp_; }

 private:
  u64 merge(u64 value) const { return (rsp_ & ~mask_) | (value & mask_); }
  u64 linear(u64 offset, unsigned size) const;

  Cpu& cpu_;
  Segment ss_;
  u64 rsp_;
  u64 mask_;
  bool long64_;
  View view_;
  Fault violation_;
};

}  // namespace ring3
