// SPDX-License-Identifier: MIT
// The time-stamp counter runs at EventClock::kTscHz where KVM can scale it. Where not, leaves 15h
// and 16h tell the host's frequency, and the TSC deadline, which devices keep by our clock, is left
// out.
#include "kvm/cpuid.h"

#include <algorithm>

#include "core/event_clock.h"
#include "kvm/flexible.h"

namespace ring3::kvm {
namespace {

constexpr u32 kBasicMax = 0x16, kExtendedFirst = 0x8000'0000, kExtendedLast = 0x8000'0008,
              kHypervisor = 0x4000'0000;
constexpr u32 kOursKhz = EventClock::kTscHz / 1000;

using W = FeatureWord;

/// Features that our devices make, whatever KVM lists.
bool is_ours(const Feature& f) {
  for (const std::string_view name : {"apic", "x2apic", "hypervisor", "invtsc", "arat"})
    if (f.name == name) return true;
  return false;
}

u32 register_of(const kvm_cpuid_entry2& e, W word) {
  switch (word) {
    case W::L1Edx:
    case W::L7Edx:
    case W::E1Edx:
    case W::E7Edx:
      return e.edx;
    case W::L1Ecx:
    case W::L7Ecx:
    case W::E1Ecx:
      return e.ecx;
    case W::L7Ebx:
    case W::E8Ebx:
      return e.ebx;
    default:
      return e.eax;
  }
}

u32 leaf_of(W word) {
  switch (word) {
    case W::L1Edx:
    case W::L1Ecx:
      return 1;
    case W::L7Ebx:
    case W::L7Ecx:
    case W::L7Edx:
      return 7;
    case W::E1Edx:
    case W::E1Ecx:
      return 0x8000'0001;
    case W::D1Eax:
      return 0xD;
    case W::E8Ebx:
      return 0x8000'0008;
    case W::E7Edx:
      return 0x8000'0007;
    default:
      return 6;
  }
}

/// True if guests' time-stamp counters run at our frequency.
bool scale_tsc(const Vm& vm) {
  if (!vm.extension(KVM_CAP_TSC_CONTROL)) return false;
  return vm.cpu(KVM_SET_TSC_KHZ, reinterpret_cast<void*>(u64{kOursKhz})) >= 0;
}

}  // namespace

const kvm_cpuid_entry2* Cpuid::supported(u32 leaf, u32 subleaf) const {
  for (const kvm_cpuid_entry2& e : supported_)
    if (e.function == leaf && e.index == subleaf) return &e;
  return nullptr;
}

Cpuid::Cpuid(const Vm& vm, const CpuModel& model) : supported_(supported_cpuid(vm)) {
  const bool tsc_is_ours = scale_tsc(vm);
  CpuModel m = model;
  mask(m, tsc_is_ours);
  for (u32 leaf = 0; leaf <= std::min(kBasicMax, m.max_leaf); ++leaf) {
    if (leaf == 0xD) {
      add_xsave(m);
      continue;
    }
    const u32 subleaves = leaf == 4 ? 5 : leaf == 0xB ? 3 : 1;
    for (u32 n = 0; n < subleaves; ++n) add(m, leaf, n, subleaves > 1 || leaf == 7);
  }
  add(m, kHypervisor, 0, false);
  for (u32 leaf = kExtendedFirst; leaf <= kExtendedLast; ++leaf) add(m, leaf, 0, false);
  if (!tsc_is_ours) {
    const int khz = vm.cpu(KVM_GET_TSC_KHZ, static_cast<void*>(nullptr));
    if (khz > 0) set_clock(static_cast<u64>(khz));
  }
}

void Cpuid::mask(CpuModel& model, bool tsc_is_ours) {
  for (const Feature& f : cpu_features()) {
    if (!model.has(f) || is_ours(f)) continue;
    const kvm_cpuid_entry2* e = supported(leaf_of(f.word), f.word == W::D1Eax ? 1 : 0);
    const bool there = f.name == "tsc-deadline" ? tsc_is_ours
                                                : e && (register_of(*e, f.word) >> f.bit & 1);
    if (there) continue;
    missing_.emplace_back(f.name);
    model.words[static_cast<size_t>(f.word)] &= ~(1u << f.bit);
  }
}

void Cpuid::add(const CpuModel& model, u32 leaf, u32 subleaf, bool indexed) {
  const CpuidResult r = model.cpuid(leaf, subleaf);
  kvm_cpuid_entry2 e{};
  e.function = leaf;
  e.index = subleaf;
  e.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
  e.eax = r.eax;
  e.ebx = r.ebx;
  e.ecx = r.ecx;
  e.edx = r.edx;
  entries_.push_back(e);
}

/// The processor runs XSAVE itself: components stand where they stand on this host.
void Cpuid::add_xsave(const CpuModel& model) {
  const u64 components = xsave_components(model);
  u32 bytes = xsave_size(components & 7);
  for (u32 n = 0; n < 64; ++n) {
    if (n > 1 && !(components >> n & 1)) continue;
    add(model, 0xD, n, true);
    const kvm_cpuid_entry2* host = supported(0xD, n);
    if (n < 2 || !host) continue;
    entries_.back().eax = host->eax;
    entries_.back().ebx = host->ebx;
    bytes = std::max(bytes, host->eax + host->ebx);
  }
  for (kvm_cpuid_entry2& e : entries_)
    if (e.function == 0xD && e.index == 0 && components) e.ecx = bytes;
}

/// A crystal of our frequency, which the local APIC's timer counts, and the ratio to the TSC.
void Cpuid::set_clock(u64 tsc_khz) {
  for (kvm_cpuid_entry2& e : entries_) {
    if (e.function == 0x15) {
      e.eax = kOursKhz;
      e.ebx = static_cast<u32>(tsc_khz);
      e.ecx = static_cast<u32>(EventClock::kTscHz);
    }
    if (e.function == 0x16) e.eax = e.ebx = static_cast<u32>(tsc_khz / 1000);
  }
}

void Cpuid::install(const Vm& vm) const { set_cpuid(vm, entries_); }

}  // namespace ring3::kvm
