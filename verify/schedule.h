// SPDX-License-Identifier: MIT
// When the two machines are compared: a pure function of the instruction count and of how often
// they were, so that a copy of the process repeats it.
#pragma once

#include "verify/verify.h"

namespace ring3::verify {

class Schedule {
 public:
  explicit Schedule(const Settings& settings) : every_(settings.every), blocks_(settings.blocks) {}

  /// The next comparison is in the middle of chained code, not after one block.
  bool several() const { return count_ % (blocks_ + 1) == 0; }
  u64 next(u64 instructions) const { return instructions + (several() ? every_ : 1); }
  void done() { ++count_; }
  u64 count() const { return count_; }

 private:
  u64 every_, blocks_, count_ = 0;
};

}  // namespace ring3::verify
