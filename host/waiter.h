// SPDX-License-Identifier: MIT
// How the machine's thread sleeps: until a time, until there is input, or until someone wakes it.
#pragma once

#include <span>

#include "base/types.h"

namespace ring3 {

class Waiter {
 public:
  static constexpr u64 kForever = ~u64{0};

  Waiter();
  ~Waiter();
  Waiter(const Waiter&) = delete;

  /// Sleeps at most `nanoseconds`, or until one of `handles` has input (or its end), or wake().
  /// Negative handles are skipped. A signal may end it early.
  void wait(u64 nanoseconds, std::span<const int> handles);
  /// Ends the present or the next wait. From any thread, or a signal handler.
  void wake();

 private:
  int read_end_ = -1, write_end_ = -1;
};

/// Nanoseconds of the host's monotonic clock.
u64 host_monotonic_ns();

}  // namespace ring3
