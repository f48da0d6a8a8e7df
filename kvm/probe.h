// SPDX-License-Identifier: MIT
// What only a measurement tells of a host's KVM.
#pragma once

#include "base/result.h"

namespace ring3::kvm {

/// True: ring 0 code is emulated instruction by instruction by KVM's software, not run by the
/// processor. A small guest of its own counts; without KVM's counters its time decides.
Result<bool> kernel_is_emulated();

}  // namespace ring3::kvm
