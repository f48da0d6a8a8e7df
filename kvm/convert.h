// SPDX-License-Identifier: MIT
// Registers as KVM's structures have them.
#pragma once

#include "core/cpu_state.h"
#include "kvm/vm.h"

namespace ring3::kvm {

void to_kvm(const CpuState& from, kvm_regs& to);
void to_kvm(const CpuState& from, kvm_sregs& to);  ///< without apic_base and cr8
void from_kvm(const kvm_regs& from, CpuState& to);
void from_kvm(const kvm_sregs& from, CpuState& to);

}  // namespace ring3::kvm
