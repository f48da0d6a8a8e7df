// SPDX-License-Identifier: MIT
// What CPUID shows: a named model (QEMU's names) with features added or removed. A feature is
// offered only if ring3 implements it and, where the host runs it for us, the host has it.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

/// Feature words, each one CPUID output register.
enum class FeatureWord : u8 {
  L1Edx,
  L1Ecx,
  L7Ebx,
  L7Ecx,
  L7Edx,
  E1Edx,
  E1Ecx,
  D1Eax,
  E8Ebx,
  L6Eax,
  E7Edx,
  Count
};
using FeatureWords = std::array<u32, static_cast<size_t>(FeatureWord::Count)>;

struct Feature {
  std::string_view name;
  FeatureWord word;
  u8 bit;
};

struct CpuidResult {
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

struct CpuModel {
  std::string name;
  u32 family = 6, model = 6, stepping = 3;
  std::string vendor = "GenuineIntel";
  std::string brand;
  u32 max_leaf = 0x16;
  FeatureWords words{};
  unsigned physical_bits = 40;

  bool has(FeatureWord word, unsigned bit) const {
    return words[static_cast<size_t>(word)] >> bit & 1;
  }
  bool has(const Feature& f) const { return has(f.word, f.bit); }

  /// CPUID without what depends on live state (OSXSAVE, APIC id, OSPKE): core adds that.
  CpuidResult cpuid(u32 leaf, u32 subleaf) const;

  /// Parses `-cpu`: "max", "qemu64,+avx2,-x2apic". The error lists what exists.
  static Result<CpuModel> parse(std::string_view spec);
  static std::string help();
};

/// Every feature ring3 knows by name, QEMU's spelling.
const std::vector<Feature>& cpu_features();
/// nullptr if unknown.
const Feature* find_feature(std::string_view name);

/// What this host's processor and operating system can run. All zero on other architectures.
const FeatureWords& host_feature_words();

/// State components (XCR0 and IA32_XSS bits) of the model: x87, SSE, AVX, PKRU.
u64 xsave_components(const CpuModel& model);
/// Bytes of an XSAVE area for these components, standard and compacted form.
u32 xsave_size(u64 components);
u32 xsave_compacted_size(u64 components);

}  // namespace ring3
