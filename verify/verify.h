// SPDX-License-Identifier: MIT
// `-accel verify`: the translator's machine against the interpreter's, from power-on to its end. A
// copy of the process that waits is the snapshot to which a difference is taken back, narrowed to
// the block where it arose, reported and demoted; then the copy goes on.
#pragma once

#include "verify/lockstep.h"

namespace ring3::verify {

struct Settings {
  u64 every = 2000;  ///< instructions that run chained between two comparisons,
  u64 blocks = 4;    ///< then so many blocks one at a time
  u64 from = 0;      ///< nothing is compared before
  /// Instructions between two comparisons of all of RAM, each with a snapshot.
  u64 stretch = 50'000'000;
  std::string command;  ///< of this run, for the line that repeats it
};

struct Setup {
  PcConfig board;
  Prepare prepare;
  MakeJit make_jit;
  std::function<void(Streams&)> started;  ///< the streams are there
  std::function<Status(Pc&)> finished;    ///< the translator's machine has left
  Settings settings;
};

/// The guest's exit status; 1 after a difference, or an error that was printed.
int run(const Setup& setup);

}  // namespace ring3::verify
