// SPDX-License-Identifier: MIT
// Where a repeated string instruction lets interrupts in (SDM 2B REP). The place depends on nothing
// but rCX, so that it is the same whoever runs how many of the iterations: the instruction starts
// over whenever a multiple of kRepSlice iterations are left.
#pragma once

#include "base/types.h"

namespace ring3 {

inline constexpr u64 kRepSlice = 4096;

/// How many iterations to run now; `count`: rCX, not 0.
constexpr u64 rep_slice(u64 count) { return ((count - 1) & (kRepSlice - 1)) + 1; }

}  // namespace ring3
