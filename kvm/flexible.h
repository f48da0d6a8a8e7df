// SPDX-License-Identifier: MIT
// Arguments that end in an array. linux/kvm.h declares them so that their size in C++ is not that
// in C, and request numbers carry the size: both are written anew here.
#pragma once

#include <vector>

#include "kvm/vm.h"

namespace ring3::kvm {

/// What KVM_GET_XSAVE and KVM_SET_XSAVE carry: an XSAVE area in the standard form.
struct alignas(64) XsaveArea {
  u8 bytes[4096];
};

/// The fixed part of kvm_cpuid2 and kvm_msrs: the count, and padding.
using FlexibleHead = u64;
inline constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, FlexibleHead),
                               kGetMsrs = _IOWR(KVMIO, 0x88, FlexibleHead),
                               kSetMsrs = _IOW(KVMIO, 0x89, FlexibleHead),
                               kSetCpuid2 = _IOW(KVMIO, 0x90, FlexibleHead),
                               kGetXsave = _IOR(KVMIO, 0xA4, XsaveArea),
                               kSetXsave = _IOW(KVMIO, 0xA5, XsaveArea);
/// The fixed part of kvm_stats_desc; its name follows.
inline constexpr size_t kStatsDescBytes = 16;

/// KVM_GET_SUPPORTED_CPUID.
std::vector<kvm_cpuid_entry2> supported_cpuid(const Vm& vm);
/// KVM_SET_CPUID2.
void set_cpuid(const Vm& vm, const std::vector<kvm_cpuid_entry2>& entries);

/// The argument of KVM_GET_MSRS and KVM_SET_MSRS.
class MsrList {
 public:
  void add(u32 index, u64 value) {
    words_.push_back(index);
    words_.push_back(value);
  }
  u64 value(size_t n) const { return words_[2 + 2 * n]; }
  /// How many were carried, from the first one on; -1: none.
  int get(const Vm& vm) { return call(vm, kGetMsrs); }
  int set(const Vm& vm) { return call(vm, kSetMsrs); }

 private:
  int call(const Vm& vm, unsigned long request) {
    words_[0] = words_.size() / 2;
    return vm.cpu(request, words_.data());
  }
  std::vector<u64> words_ = std::vector<u64>(1);  ///< the head, then index and value each
};

}  // namespace ring3::kvm
