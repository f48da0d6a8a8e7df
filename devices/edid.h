// SPDX-License-Identifier: MIT
// The monitor's identification (VESA E-EDID 1.4), a block of 128 bytes that names one preferred
// mode.
#pragma once

#include <array>

#include "base/types.h"

namespace ring3 {

std::array<u8, 128> make_edid(unsigned width, unsigned height);

}  // namespace ring3
