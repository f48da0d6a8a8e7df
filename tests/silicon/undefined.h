// SPDX-License-Identifier: MIT
// What the manual leaves undefined for an instruction in a state: not compared.
#pragma once

#include "tests/silicon/state.h"

namespace ring3::silicon {

struct Undefined {
  u64 flags = 0;
  bool destination = false;  ///< the first operand's value
  u16 fpu_status = 0;        ///< x87 status word bits
};

Undefined undefined_after(const Decode& d, const Registers& in);

}  // namespace ring3::silicon
