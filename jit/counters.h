// SPDX-License-Identifier: MIT
// What the translator did and what it holds, since its start.
#pragma once

#include "base/types.h"

namespace ring3 {

struct JitCounters {
  u64 translated = 0;    ///< blocks, at one rip each
  u64 dropped = 0;       ///< of these: overwritten, unmapped, or the code cache was full
  u64 evicted = 0;       ///< of these: because it was full
  u64 evictions = 0;     ///< regions emptied
  u64 chained = 0;       ///< exits linked to a translation
  u64 code_bytes = 0;    ///< now
  u64 code_memory = 0;   ///< bytes of the cache ever used
  u64 record_bytes = 0;  ///< bytes of what translations are described by
};

}  // namespace ring3
