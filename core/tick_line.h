// SPDX-License-Identifier: MIT
// Time as a line over the host's tick counter: what EventClock::now() computes in C++ and
// translated code inline, from the same numbers.
#pragma once

#include "base/types.h"

namespace ring3 {

struct TickLine {
  u64 ticks = 0;  ///< of the host, at which it is `nanos`
  u64 limit = 0;  ///< ticks from there on for which the line holds; 0: it does not
  u64 nanos = 0;
  u64 rate = 0;  ///< nanoseconds a tick, in 2^-64

  bool holds(u64 now) const { return now - ticks < limit; }
  u64 at(u64 now) const { return nanos + scaled(now - ticks); }
  u64 scaled(u64 span) const { return static_cast<u64>(static_cast<u128>(span) * rate >> 64); }
};

}  // namespace ring3
