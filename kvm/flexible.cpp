// SPDX-License-Identifier: MIT
#include "kvm/flexible.h"

#include <cstring>

namespace ring3::kvm {
namespace {

constexpr size_t kMostEntries = 256;
static_assert(sizeof(kvm_cpuid_entry2) % sizeof(u64) == 0);
constexpr size_t kEntryWords = sizeof(kvm_cpuid_entry2) / sizeof(u64);

}  // namespace

std::vector<kvm_cpuid_entry2> supported_cpuid(const Vm& vm) {
  std::vector<u64> words(1 + kMostEntries * kEntryWords);
  words[0] = kMostEntries;
  vm.must(vm.system(kGetSupportedCpuid, words.data()), "KVM_GET_SUPPORTED_CPUID");
  std::vector<kvm_cpuid_entry2> entries(static_cast<u32>(words[0]));
  std::memcpy(entries.data(), words.data() + 1, entries.size() * sizeof entries[0]);
  return entries;
}

void set_cpuid(const Vm& vm, const std::vector<kvm_cpuid_entry2>& entries) {
  std::vector<u64> words(1 + entries.size() * kEntryWords);
  words[0] = entries.size();
  std::memcpy(words.data() + 1, entries.data(), entries.size() * sizeof entries[0]);
  vm.must(vm.cpu(kSetCpuid2, words.data()), "KVM_SET_CPUID2");
}

}  // namespace ring3::kvm
