// SPDX-License-Identifier: MIT
// The host cpu's own counter, which can be read without a call (x86: SDM 3B "Time-Stamp Counter").
#pragma once

#include "base/types.h"

namespace ring3 {

/// The counter; 0 where there is none. Not ordered with what comes before or after.
inline u64 host_ticks() {
#ifdef __x86_64__
  return __builtin_ia32_rdtsc();
#else
  return 0;
#endif
}

/// True if it counts at one rate, whatever cpus the thread runs on and whether they slept.
bool host_ticks_steady();

}  // namespace ring3
