// SPDX-License-Identifier: MIT
// Intel 82441FX (i440FX) as host bridge: identity and the PAM registers, which place RAM or ROM
// behind C0000h-FFFFFh. Not emulated: DRAM timing and rows, SMRAM (its register is storage),
// errors.
#pragma once

#include <functional>

#include "devices/pci.h"

namespace ring3 {

class I440fx final : public PciDevice {
 public:
  struct PamSegment {
    u32 start, size;
  };
  static constexpr unsigned kPamSegments = 13;
  enum Pam : u8 { kReadRam = 1, kWriteRam = 2 };
  static PamSegment pam_segment(unsigned index);  ///< 0: F0000h; 1-12: 16 KiB each from C0000h

  /// `pam_changed(segment, Pam bits)` for each segment whose bits changed.
  explicit I440fx(std::function<void(unsigned, u8)> pam_changed);
  u8 pam(unsigned segment) const;

 private:
  void config_changed(u8 first, u8 last) override;

  std::function<void(unsigned, u8)> pam_changed_;
  std::array<u8, kPamSegments> applied_{};
};

}  // namespace ring3
