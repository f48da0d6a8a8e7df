// SPDX-License-Identifier: MIT
// Where the event clock takes its time from: the host, or the instructions run (-icount).
#pragma once

#include "core/event_clock.h"
#include "host/ticks.h"
#include "host/waiter.h"

namespace ring3 {

/// Nanoseconds of the host's monotonic clock. Where the cpu's tick counter is steady, time is a
/// line over it that is steered along that clock, so that it can be read in translated code. It
/// never goes back.
class HostTime final : public TimeSource {
 public:
  HostTime() : HostTime(host_ticks_steady()) {}
  explicit HostTime(bool steady) : steady_(steady) {}

  Nanos now() override {
    if (stopped_) return last_;
    const u64 ticks = host_ticks();
    return line_.holds(ticks) ? line_.at(ticks) : measure();
  }
  const TickLine* line() const override { return steady_ ? &line_ : nullptr; }
  /// Stands still, for a machine that is stopped.
  void stop();
  void go_on();

 private:
  /// The two clocks, read at the same time.
  struct Pair {
    u64 ticks = 0, ns = 0;
    static Pair read();
  };
  Nanos measure();
  void steer(const Pair& now, i64 off);

  bool steady_;
  Pair first_ = Pair::read();  ///< the rate is measured from here on
  u64 origin_ = first_.ns;     ///< of the monotonic clock, when this one was 0
  Nanos last_ = 0;
  bool stopped_ = false;
  TickLine line_;
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
