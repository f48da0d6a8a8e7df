// SPDX-License-Identifier: MIT
// Translates a guest without running it: the blocks that direct branches reach from where the cpu
// stands.
#pragma once

#include "jit/jit.h"

namespace ring3 {

/// Fills options.profile. No engine may be at work on the cpu. At most `limit` blocks. Error: the
/// host refuses memory for code.
Status preview_translations(Cpu& cpu, const JitOptions& options, size_t limit);

}  // namespace ring3
