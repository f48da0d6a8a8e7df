// SPDX-License-Identifier: MIT
#include "devices/i440fx.h"

#include <utility>

namespace ring3 {
namespace {

constexpr u8 kDramType = 0x57, kPam0 = 0x59, kSmram = 0x72;
constexpr u32 kPamStart = 0xC0000, kPamSize = 0x4000, kBiosStart = 0xF0000, kBiosSize = 0x10000;

}  // namespace

I440fx::I440fx(std::function<void(unsigned, u8)> pam_changed)
    : PciDevice({.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2}),
      pam_changed_(std::move(pam_changed)) {
  set_reset(kDramType, Width::Byte, 0x10);
  set_reset(kSmram, Width::Byte, 0x02);
  set_writable(0x40, 0xFF);
}

I440fx::PamSegment I440fx::pam_segment(unsigned index) {
  if (index == 0) return {kBiosStart, kBiosSize};
  return {kPamStart + (index - 1) * kPamSize, kPamSize};
}

/// PAM0 holds segment 0 in its high nibble; PAM1-6 two segments each, the lower one low.
u8 I440fx::pam(unsigned segment) const {
  const u8 value = reg8(static_cast<u8>(kPam0 + (segment + 1) / 2));
  return (segment % 2 == 0 ? value >> 4 : value) & (kReadRam | kWriteRam);
}

void I440fx::config_changed(u8 first, u8 last) {
  if (last < kPam0 || first > kPam0 + 6) return;
  for (unsigned segment = 0; segment < kPamSegments; ++segment) {
    const u8 now = pam(segment);
    if (std::exchange(applied_[segment], now) != now && pam_changed_) pam_changed_(segment, now);
  }
}

}  // namespace ring3
