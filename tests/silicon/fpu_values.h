// SPDX-License-Identifier: MIT
// x87, MMX, SSE and AVX state for a case: special values of each format, rounding modes, masks.
#pragma once

#include "tests/silicon/encode.h"
#include "tests/silicon/state.h"

namespace ring3::silicon {

/// 8 bytes of vector or memory data: integers, two floats, a double, or packed corner bytes.
u64 interesting_lane(Rng& rng);

/// A whole XSAVE image (x87, SSE, AVX).
void fill_fpu(u8* image, const Decode& d, Rng& rng);

}  // namespace ring3::silicon
