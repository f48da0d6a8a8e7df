// SPDX-License-Identifier: MIT
// `-accel verify`: the translator's machine against the interpreter's, from power-on to its end. A
// copy of the process that waits is the snapshot to which a difference is taken back, narrowed to
// the block where it arose, reported and demoted; then the copy goes on.
#pragma once

#include "verify/lockstep.h"
#include "verify/settings.h"

namespace ring3::verify {

struct Setup {
  std::array<PcConfig, 2> boards;  ///< of jit and interp: equal but for their media
  Prepare prepare;
  MakeJit make_jit;
  std::function<void(Streams&)> started;  ///< the streams are there
  std::function<Status(Pc&)> finished;    ///< the translator's machine has left
  Settings settings;
};

/// The guest's exit status; 1 after a difference, or an error that was printed.
int run(const Setup& setup);

}  // namespace ring3::verify
