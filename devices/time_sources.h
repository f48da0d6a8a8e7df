// SPDX-License-Identifier: MIT
// Where the event clock takes its time from: the host, or the instructions run (-icount).
#pragma once

#include "core/event_clock.h"
#include "host/waiter.h"

namespace ring3 {

class HostTime final : public TimeSource {
 public:
  Nanos now() override { return (stopped_ ? stopped_ : host_monotonic_ns()) - start_; }
  /// Stands still, for a machine that is stopped.
  void stop() {
    if (!stopped_) stopped_ = host_monotonic_ns();
  }
  void go_on() {
    if (stopped_) start_ += host_monotonic_ns() - stopped_;
    stopped_ = 0;
  }

 private:
  u64 start_ = host_monotonic_ns();
  u64 stopped_ = 0;  ///< when, or 0: it runs
};

/// One instruction takes 2^shift ns; idle time is skipped. A pure function of the guest's course.
class InstructionTime final : public TimeSource {
 public:
  explicit InstructionTime(unsigned shift) : shift_(shift) {}
  /// `instructions`: the count of the cpu; it outlives this.
  void watch(const u64& instructions) { instructions_ = &instructions; }
  Nanos now() override { return instructions_ ? (*instructions_ << shift_) + skipped_ : 0; }
  void skip_to(Nanos when) {
    const Nanos t = now();
    if (when > t) skipped_ += when - t;
  }
  /// The number of instructions at which now() reaches `when`.
  u64 instructions_at(Nanos when) const {
    return when <= skipped_ ? 0 : ((when - skipped_ - 1) >> shift_) + 1;
  }

 private:
  unsigned shift_;
  const u64* instructions_ = nullptr;
  Nanos skipped_ = 0;
};

}  // namespace ring3
