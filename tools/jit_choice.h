// SPDX-License-Identifier: MIT
// From the command line's options to the translator's.
#pragma once

#include "jit/jit.h"
#include "jit/profile.h"
#include "tools/options.h"

namespace ring3 {

/// Error: an option names what the translator does not know.
Result<JitOptions> jit_options(const Options& options, Profile& profile);

}  // namespace ring3
