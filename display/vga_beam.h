// SPDX-License-Identifier: MIT
// The CRTC's counters, scan line by scan line, and its ways to address memory (IBM VGA Technical
// Reference, "CRT Controller"; FreeVGA "CRTC Address Generation").
#pragma once

#include "devices/vga_state.h"

namespace ring3 {

class VgaBeam {
 public:
  explicit VgaBeam(const VgaState& s) : s_(s) {
    const u8 preset = s.crtc[VgaState::kPresetRowScan];
    row_ = static_cast<u16>((s.crtc[VgaState::kStartHigh] << 8 | s.crtc[VgaState::kStartLow]) +
                            (preset >> 5 & 3));
    scan_ = preset & 31;
  }

  u16 address() const { return row_; }    ///< of the line's first character, in CRTC units
  u8 scan() const { return scan_; }       ///< the line within a row of characters
  bool split() const { return split_; }   ///< below the line compare
  bool repeats() const { return half_; }  ///< the second half of a doubled line

  void next_line() {
    if (line_++ == s_.line_compare()) {
      row_ = 0;
      scan_ = 0;
      split_ = true;
      half_ = false;
      return;
    }
    const u8 max = s_.crtc[VgaState::kMaxScanLine];
    if ((max & 0x80) && (half_ = !half_)) return;
    if (scan_ != (max & 31)) {
      scan_ = (scan_ + 1) & 31;
      return;
    }
    scan_ = 0;
    row_ = static_cast<u16>(row_ + s_.crtc[VgaState::kOffset] * 2);
  }

 private:
  const VgaState& s_;
  u16 row_;
  u8 scan_;
  unsigned line_ = 0;
  bool half_ = false, split_ = false;
};

/// Where the planes' bytes of a CRTC address are: byte, word or doubleword mode; the two lowest
/// scan line bits may replace address bits 13 and 14 as on a CGA and a Hercules.
inline u16 vga_memory_address(const VgaState& s, u16 counter, u8 scan) {
  const u8 mode = s.crtc[VgaState::kModeControl];
  unsigned at = counter;
  if (s.crtc[VgaState::kUnderline] & 0x40) {
    at = counter << 2 | counter >> 14;
  } else if (!(mode & 0x40)) {
    at = counter << 1 | (counter >> (mode & 0x20 ? 15 : 13) & 1);
  }
  if (!(mode & 1)) at = (at & ~0x2000u) | (scan & 1u) << 13;
  if (!(mode & 2)) at = (at & ~0x4000u) | (scan >> 1 & 1u) << 14;
  return static_cast<u16>(at);
}

}  // namespace ring3
