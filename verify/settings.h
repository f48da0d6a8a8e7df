// SPDX-License-Identifier: MIT
// How `-accel verify` compares.
#pragma once

#include <string>

#include "base/types.h"

namespace ring3::verify {

struct Settings {
  u64 every = 2000;  ///< instructions that run chained between two comparisons,
  u64 blocks = 4;    ///< then so many blocks one at a time
  u64 from = 0;      ///< nothing is compared before
  /// Instructions between two comparisons of all of RAM, each with a snapshot.
  u64 stretch = 50'000'000;
  std::string command;  ///< of this run, for the line that repeats it
};

}  // namespace ring3::verify
