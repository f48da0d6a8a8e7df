// SPDX-License-Identifier: MIT
// KVM's own counters of a processor, where the kernel tells them (Linux 5.14).
#pragma once

#include <vector>

#include "kvm/kvm.h"
#include "kvm/vm.h"

namespace ring3::kvm {

/// Those that count events and are not 0, by KVM's names. Empty: the kernel does not tell.
std::vector<KvmCounter> read_counters(const Vm& vm);

/// One of them: 0 if it is not there.
u64 counter(const std::vector<KvmCounter>& counters, std::string_view name);

}  // namespace ring3::kvm
