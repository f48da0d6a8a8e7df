// SPDX-License-Identifier: MIT
// The features that ring3 implements, by QEMU's names (SDM 2A CPUID), and what the host can run.
#include <cstring>

#include "core/cpu_model.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ring3 {
namespace {

using W = FeatureWord;

constexpr Feature kFeatures[] = {
    {"fpu", W::L1Edx, 0},
    {"vme", W::L1Edx, 1},
    {"de", W::L1Edx, 2},
    {"pse", W::L1Edx, 3},
    {"tsc", W::L1Edx, 4},
    {"msr", W::L1Edx, 5},
    {"pae", W::L1Edx, 6},
    {"mce", W::L1Edx, 7},
    {"cx8", W::L1Edx, 8},
    {"apic", W::L1Edx, 9},
    {"sep", W::L1Edx, 11},
    {"mtrr", W::L1Edx, 12},
    {"pge", W::L1Edx, 13},
    {"mca", W::L1Edx, 14},
    {"cmov", W::L1Edx, 15},
    {"pat", W::L1Edx, 16},
    {"pse36", W::L1Edx, 17},
    {"clflush", W::L1Edx, 19},
    {"mmx", W::L1Edx, 23},
    {"fxsr", W::L1Edx, 24},
    {"sse", W::L1Edx, 25},
    {"sse2", W::L1Edx, 26},
    {"pni", W::L1Ecx, 0},
    {"pclmulqdq", W::L1Ecx, 1},
    {"monitor", W::L1Ecx, 3},
    {"ssse3", W::L1Ecx, 9},
    {"fma", W::L1Ecx, 12},
    {"cx16", W::L1Ecx, 13},
    {"pcid", W::L1Ecx, 17},
    {"sse4.1", W::L1Ecx, 19},
    {"sse4.2", W::L1Ecx, 20},
    {"x2apic", W::L1Ecx, 21},
    {"movbe", W::L1Ecx, 22},
    {"popcnt", W::L1Ecx, 23},
    {"tsc-deadline", W::L1Ecx, 24},
    {"aes", W::L1Ecx, 25},
    {"xsave", W::L1Ecx, 26},
    {"avx", W::L1Ecx, 28},
    {"f16c", W::L1Ecx, 29},
    {"rdrand", W::L1Ecx, 30},
    {"hypervisor", W::L1Ecx, 31},
    {"arat", W::L6Eax, 2},
    {"fsgsbase", W::L7Ebx, 0},
    {"tsc-adjust", W::L7Ebx, 1},
    {"bmi1", W::L7Ebx, 3},
    {"avx2", W::L7Ebx, 5},
    {"smep", W::L7Ebx, 7},
    {"bmi2", W::L7Ebx, 8},
    {"erms", W::L7Ebx, 9},
    {"invpcid", W::L7Ebx, 10},
    {"zero-fcs-fds", W::L7Ebx, 13},
    {"rdseed", W::L7Ebx, 18},
    {"adx", W::L7Ebx, 19},
    {"smap", W::L7Ebx, 20},
    {"clflushopt", W::L7Ebx, 23},
    {"clwb", W::L7Ebx, 24},
    {"sha-ni", W::L7Ebx, 29},
    {"umip", W::L7Ecx, 2},
    {"pku", W::L7Ecx, 3},
    {"gfni", W::L7Ecx, 8},
    {"vaes", W::L7Ecx, 9},
    {"vpclmulqdq", W::L7Ecx, 10},
    {"rdpid", W::L7Ecx, 22},
    {"serialize", W::L7Edx, 14},
    {"spec-ctrl", W::L7Edx, 26},
    {"arch-capabilities", W::L7Edx, 29},
    {"xsaveopt", W::D1Eax, 0},
    {"xsavec", W::D1Eax, 1},
    {"xgetbv1", W::D1Eax, 2},
    {"xsaves", W::D1Eax, 3},
    {"syscall", W::E1Edx, 11},
    {"nx", W::E1Edx, 20},
    {"pdpe1gb", W::E1Edx, 26},
    {"rdtscp", W::E1Edx, 27},
    {"lm", W::E1Edx, 29},
    {"lahf_lm", W::E1Ecx, 0},
    {"abm", W::E1Ecx, 5},
    {"3dnowprefetch", W::E1Ecx, 8},
    {"invtsc", W::E7Edx, 8},
};

struct Alias {
  std::string_view alias, name;
};
constexpr Alias kAliases[] = {
    {"sse3", "pni"},
    {"sse4_1", "sse4.1"},
    {"sse4_2", "sse4.2"},
    {"sse4-1", "sse4.1"},
    {"sse4-2", "sse4.2"},
    {"lzcnt", "abm"},
    {"clfsh", "clflush"},
    {"sha_ni", "sha-ni"},
    {"tsc_deadline", "tsc-deadline"},
    {"lahf-lm", "lahf_lm"},
    {"xd", "nx"},
    {"i64", "lm"},
    {"arch_capabilities", "arch-capabilities"},
};

#if defined(__x86_64__)
u64 host_xcr0() {
  u32 low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | static_cast<u64>(high) << 32;
}

FeatureWords read_host() {
  FeatureWords words{};
  auto word = [&](W w) -> u32& { return words[static_cast<size_t>(w)]; };
  u32 a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d)) {
    word(W::L1Edx) = d;
    word(W::L1Ecx) = c;
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    word(W::L7Ebx) = b;
    word(W::L7Ecx) = c;
  }
  constexpr u32 kOsxsave = 1u << 27, kAvx = 1u << 28, kFma = 1u << 12, kF16c = 1u << 29;
  const bool avx = (word(W::L1Ecx) & kOsxsave) && (host_xcr0() & 6) == 6;
  if (!avx) {
    word(W::L1Ecx) &= ~(kAvx | kFma | kF16c);
    word(W::L7Ebx) &= ~(1u << 5);
    word(W::L7Ecx) &= ~(1u << 9 | 1u << 10);
  }
  return words;
}
#else
FeatureWords read_host() { return {}; }
#endif

}  // namespace

const std::vector<Feature>& cpu_features() {
  static const std::vector<Feature> features(std::begin(kFeatures), std::end(kFeatures));
  return features;
}

const Feature* find_feature(std::string_view name) {
  for (const Alias& a : kAliases)
    if (a.alias == name) name = a.name;
  for (const Feature& f : cpu_features())
    if (f.name == name) return &f;
  return nullptr;
}

const FeatureWords& host_feature_words() {
  static const FeatureWords words = read_host();
  return words;
}

}  // namespace ring3
