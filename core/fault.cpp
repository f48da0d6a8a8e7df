// SPDX-License-Identifier: MIT
#include "core/fault.h"

namespace ring3 {

void raise(const Fault& fault) { throw fault; }

}  // namespace ring3
