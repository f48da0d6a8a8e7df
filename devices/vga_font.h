// SPDX-License-Identifier: MIT
// The 8 by 16 text font that a video BIOS loads into plane 2.
#pragma once

#include "base/types.h"

namespace ring3 {

extern const u8 kVgaFont[256 * 16];

}  // namespace ring3
