// SPDX-License-Identifier: MIT
// CPUID for the guest: our model's, without what this host's KVM does not have.
#pragma once

#include <string>
#include <vector>

#include "core/cpu_model.h"
#include "kvm/vm.h"

namespace ring3::kvm {

class Cpuid {
 public:
  Cpuid(const Vm& vm, const CpuModel& model);

  const std::vector<kvm_cpuid_entry2>& entries() const { return entries_; }
  /// Features of the model that are left out, by name.
  const std::vector<std::string>& missing() const { return missing_; }
  void install(const Vm& vm) const;

 private:
  void mask(CpuModel& model, bool tsc_is_ours);
  void add(const CpuModel& model, u32 leaf, u32 subleaf, bool indexed);
  void add_xsave(const CpuModel& model);
  void set_clock(u64 tsc_khz);
  const kvm_cpuid_entry2* supported(u32 leaf, u32 subleaf) const;

  std::vector<kvm_cpuid_entry2> supported_, entries_;
  std::vector<std::string> missing_;
};

}  // namespace ring3::kvm
