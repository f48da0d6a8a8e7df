// SPDX-License-Identifier: MIT
// CPUID leaves (SDM 2A CPUID). One logical processor. Not emulated: performance monitoring (leaf
// AH is empty), MONITOR line sizes (leaf 5 is empty), hypervisor leaves beyond the signature.
#include <algorithm>

#include "base/bits.h"
#include "core/cpu_model.h"
#include "core/event_clock.h"

namespace ring3 {
namespace {

constexpr u32 kHypervisorBase = 0x4000'0000, kExtendedBase = 0x8000'0000,
              kExtendedMax = 0x8000'0008;

using W = FeatureWord;

u32 word(const CpuModel& m, W w) { return m.words[static_cast<size_t>(w)]; }

u32 signature(const CpuModel& m) {
  const u32 base_family = m.family < 15 ? m.family : 15;
  const u32 extended_family = m.family - base_family;
  return extended_family << 20 | (m.model >> 4) << 16 | base_family << 8 | (m.model & 15) << 4 |
         m.stepping;
}

u32 text(std::string_view s, size_t at) {
  char c[4] = {};
  for (size_t n = 0; n < 4 && at + n < s.size(); ++n) c[n] = s[at + n];
  return load<u32>(c);
}

CpuidResult leaf1(const CpuModel& m) {
  constexpr u32 kClflushQuads = 8, kLogicalProcessors = 1;
  return {signature(m), kClflushQuads << 8 | kLogicalProcessors << 16, word(m, W::L1Ecx),
          word(m, W::L1Edx)};
}

/// Leaf 4: 32 KiB L1 data and instruction, 2 MiB L2, 16 MiB L3, lines of 64 bytes.
CpuidResult cache(u32 subleaf) {
  struct Cache {
    u32 type, level, ways, sets;
  };
  constexpr Cache caches[] = {{1, 1, 8, 64}, {2, 1, 8, 64}, {3, 2, 16, 2048}, {3, 3, 16, 16384}};
  if (subleaf >= std::size(caches)) return {};
  const Cache& c = caches[subleaf];
  constexpr u32 kSelfInitializing = 1 << 8, kLine = 64;
  return {c.type | c.level << 5 | kSelfInitializing, (c.ways - 1) << 22 | (kLine - 1), c.sets - 1,
          0};
}

CpuidResult topology(u32 subleaf) {
  constexpr u32 kSmt = 1 << 8, kCore = 2 << 8;
  switch (subleaf) {
    case 0:
      return {0, 1, kSmt, 0};
    case 1:
      return {0, 1, 1 | kCore, 0};
    default:
      return {0, 0, subleaf & 0xFF, 0};
  }
}

struct Component {
  u32 size, offset;
};
/// Where a component stands in the standard form.
constexpr Component component(u32 n) {
  switch (n) {
    case 2:
      return {256, 576};
    case 9:
      return {8, 2688};
    default:
      return {};
  }
}

CpuidResult xsave_leaf(const CpuModel& m, u32 subleaf) {
  const u64 components = xsave_components(m);
  if (!components) return {};
  if (subleaf == 0) return {static_cast<u32>(components), xsave_size(3), xsave_size(components), 0};
  if (subleaf == 1) return {word(m, W::D1Eax), xsave_compacted_size(3), 0, 0};
  if (subleaf >= 64 || !(components >> subleaf & 1)) return {};
  const Component c = component(subleaf);
  return {c.size, c.offset, 0, 0};
}

CpuidResult basic(const CpuModel& m, u32 leaf, u32 subleaf) {
  constexpr u32 kTscMhz = EventClock::kTscHz / 1'000'000, kBusMhz = 100;
  switch (leaf) {
    case 0:
      return {m.max_leaf, text(m.vendor, 0), text(m.vendor, 8), text(m.vendor, 4)};
    case 1:
      return leaf1(m);
    case 2:
      return {1, 0, 0, 0x002C307D};  // L1D and L1I 32 KiB, L2 2 MiB
    case 4:
      return cache(subleaf);
    case 6:
      return {word(m, W::L6Eax), 0, 0, 0};
    case 7:
      if (subleaf != 0) return {};
      return {0, word(m, W::L7Ebx), word(m, W::L7Ecx), word(m, W::L7Edx)};
    case 0xB:
      return topology(subleaf);
    case 0xD:
      return xsave_leaf(m, subleaf);
    case 0x15:
      return {1, 1, static_cast<u32>(EventClock::kTscHz), 0};
    case 0x16:
      return {kTscMhz, kTscMhz, kBusMhz, 0};
    default:
      return {};
  }
}

CpuidResult hypervisor(const CpuModel& m, u32 leaf) {
  constexpr std::string_view name = "ring3ring3r3";
  if (!m.has(W::L1Ecx, 31) || leaf != kHypervisorBase) return {};
  return {kHypervisorBase, text(name, 0), text(name, 4), text(name, 8)};
}

CpuidResult extended1(const CpuModel& m) {
  // AMD repeats the bits of leaf 1 that its processors had first.
  constexpr u32 kAmdAliases = 0x0183F3FF;
  const bool amd = m.vendor == "AuthenticAMD";
  const u32 edx = word(m, W::E1Edx) | (amd ? word(m, W::L1Edx) & kAmdAliases : 0);
  return {amd ? signature(m) : 0, 0, word(m, W::E1Ecx), edx};
}

CpuidResult extended(const CpuModel& m, u32 leaf) {
  const size_t part = (leaf - kExtendedBase - 2) * 16;
  const u32 linear_bits = m.has(W::E1Edx, 29) ? 48 : 32;
  switch (leaf) {
    case 0x8000'0000:
      return {kExtendedMax, text(m.vendor, 0), text(m.vendor, 8), text(m.vendor, 4)};
    case 0x8000'0001:
      return extended1(m);
    case 0x8000'0002:
    case 0x8000'0003:
    case 0x8000'0004:
      return {text(m.brand, part), text(m.brand, part + 4), text(m.brand, part + 8),
              text(m.brand, part + 12)};
    case 0x8000'0005:
      return {0, 0, 0x20080140, 0x20080140};  // AMD: L1 32 KiB, 8 ways, 64 bytes
    case 0x8000'0006:
      return {0, 0, 0x08008140, 0x00808140};  // L2 2 MiB, 16 ways; L3 16 MiB
    case 0x8000'0007:
      return {0, 0, 0, word(m, W::E7Edx)};
    case 0x8000'0008:
      return {m.physical_bits | linear_bits << 8, word(m, W::E8Ebx), 0, 0};
    default:
      return {};
  }
}

}  // namespace

CpuidResult CpuModel::cpuid(u32 leaf, u32 subleaf) const {
  if (leaf >= kHypervisorBase && leaf < kHypervisorBase + 0x100) return hypervisor(*this, leaf);
  if (leaf >= kExtendedBase && leaf <= kExtendedMax) return extended(*this, leaf);
  // Above the highest basic leaf Intel answers with the data of that leaf.
  return basic(*this, leaf <= max_leaf ? leaf : max_leaf, subleaf);
}

u64 xsave_components(const CpuModel& m) {
  if (!m.has(W::L1Ecx, 26)) return 0;
  u64 components = 3;
  if (m.has(W::L1Ecx, 28)) components |= bit(2);
  if (m.has(W::L7Ecx, 3)) components |= bit(9);
  return components;
}

u32 xsave_size(u64 components) {
  u32 size = 576;
  for (u32 n = 2; n < 64; ++n)
    if (components >> n & 1) size = std::max(size, component(n).offset + component(n).size);
  return size;
}

u32 xsave_compacted_size(u64 components) {
  u32 size = 576;
  for (u32 n = 2; n < 64; ++n)
    if (components >> n & 1) size += component(n).size;
  return size;
}

}  // namespace ring3
