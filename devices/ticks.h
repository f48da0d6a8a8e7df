// SPDX-License-Identifier: MIT
// Counters of fixed frequency on the event clock: absolute tick numbers, so that rounding never
// adds up to drift.
#pragma once

#include "core/event_clock.h"

namespace ring3 {

/// Whole ticks of `hz` since power-on.
constexpr u64 ticks_at(Nanos time, u64 hz) {
  return static_cast<u64>(u128{time} * hz / kNanosPerSecond);
}

/// The first instant at which ticks_at() is `tick`; kNever past the end of time.
constexpr Nanos time_of_tick(u64 tick, u64 hz) {
  const u128 time = (u128{tick} * kNanosPerSecond + hz - 1) / hz;
  return time >= kNever ? kNever : static_cast<Nanos>(time);
}

}  // namespace ring3
