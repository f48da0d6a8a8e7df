// SPDX-License-Identifier: MIT
// Silicon against interpreter: registers, flags, memory, vector and x87 state.
#pragma once

#include "tests/silicon/state.h"
#include "tests/silicon/undefined.h"

namespace ring3::silicon {

/// Both results of one case.
struct Pair {
  Outcome silicon, interp;
  const u8* silicon_data = nullptr;
  const u8* interp_data = nullptr;
};

bool same(const Pair& pair, const Decode& d, const Undefined& undefined);

/// The repro line, then both states side by side with `*` on the rows that differ.
std::string report(const Case& c, const Decode& d, const Pair& pair, const Undefined& undefined);

}  // namespace ring3::silicon
