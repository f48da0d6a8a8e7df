// SPDX-License-Identifier: MIT
// The timer (SDM 3A "APIC Timer"): one-shot and periodic at kTimerHz over the divider, TSC
// deadline.
#include <algorithm>

#include "devices/lapic.h"

namespace ring3 {
namespace {

static_assert(LocalApic::kTimerHz == kNanosPerSecond, "a timer clock is a nanosecond");
// A guest that asks for a shorter period gets its count, but interrupts no faster than this: the
// machine must get on.
constexpr Nanos kShortestPeriod = 10'000;

}  // namespace

/// DCR bits 3, 1, 0: 2, 4, ... 128, then 1.
u64 LocalApic::divisor() const {
  const u32 code = (s_.divide >> 1 & 4) | (s_.divide & 3);
  return u64{1} << ((code + 1) & 7);
}

u32 LocalApic::current_count() {
  const TimerMode mode = timer_mode();
  if (!s_.timer_armed || mode == TimerMode::TscDeadline) return 0;
  const u64 elapsed = (clock_.now() - s_.timer_start) / divisor();
  if (mode == TimerMode::Periodic)
    return static_cast<u32>(s_.initial_count - elapsed % s_.initial_count);
  return elapsed >= s_.initial_count ? 0 : static_cast<u32>(s_.initial_count - elapsed);
}

void LocalApic::write_initial_count(u32 value) {
  if (timer_mode() == TimerMode::TscDeadline) return;
  s_.initial_count = value;
  s_.timer_start = clock_.now();
  s_.timer_armed = value != 0;
  arm_timer();
}

/// The count that is left goes on at the new rate.
void LocalApic::write_divide(u32 value) {
  const u64 done = s_.initial_count - current_count();
  s_.divide = value;
  if (!s_.timer_armed) return;
  const Nanos elapsed = done * divisor();
  s_.timer_start = clock_.now() - std::min(clock_.now(), elapsed);
  arm_timer();
}

/// Between the deadline mode and the others the timer is disarmed.
void LocalApic::timer_mode_changed(TimerMode old) {
  const TimerMode mode = timer_mode();
  if (mode == old) return;
  if (mode == TimerMode::TscDeadline || old == TimerMode::TscDeadline) {
    s_.timer_armed = false;
    s_.initial_count = 0;
    s_.deadline = 0;
  }
  arm_timer();
}

/// Schedules the next expiry by the state.
void LocalApic::arm_timer() {
  if (timer_mode() == TimerMode::TscDeadline) {
    if (s_.deadline == 0) return timer_.cancel();
    return timer_.schedule_at(EventClock::tsc_to_now(s_.deadline));
  }
  if (!s_.timer_armed) return timer_.cancel();
  Nanos due = s_.timer_start + period();
  const Nanos now = clock_.now();
  if (timer_mode() == TimerMode::Periodic && due <= now) {
    due += (now - due) / period() * period() + period();
  }
  timer_.schedule_at(due);
}

/// Periods that passed unseen make one interrupt, as one IRR bit holds one.
void LocalApic::timer_expired() {
  const TimerMode mode = timer_mode();
  if (mode == TimerMode::Periodic) {
    const Nanos passed = (clock_.now() - s_.timer_start) / period() * period();
    s_.timer_start += passed;
    timer_.schedule_at(std::max(s_.timer_start + period(), clock_.now() + kShortestPeriod));
  } else {
    s_.timer_armed = false;
    s_.deadline = 0;
  }
  fire_lvt(kTimer);
}

u64 LocalApic::tsc_deadline() const {
  return timer_mode() == TimerMode::TscDeadline ? s_.deadline : 0;
}

void LocalApic::set_tsc_deadline(u64 tsc) {
  if (timer_mode() != TimerMode::TscDeadline) return;
  s_.deadline = tsc;
  if (tsc != 0 && EventClock::tsc_to_now(tsc) <= clock_.now()) {
    timer_.cancel();
    return timer_expired();
  }
  arm_timer();
}

}  // namespace ring3
