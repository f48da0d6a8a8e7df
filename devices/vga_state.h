// SPDX-License-Identifier: MIT
// The registers of a VGA with Bochs VBE extensions ("DISPI"), and what they say about the screen.
// Register and bit names: IBM VGA Technical Reference; DISPI: Bochs "VBE display interface".
#pragma once

#include <array>

#include "base/types.h"
#include "core/device.h"

namespace ring3 {

struct VgaState {
  enum Seq : u8 { kReset, kClockingMode, kMapMask, kCharMap, kMemoryMode };
  enum Crtc : u8 {
    kHTotal = 0x00,
    kHDisplayEnd = 0x01,
    kVTotal = 0x06,
    kOverflow = 0x07,
    kPresetRowScan = 0x08,
    kMaxScanLine = 0x09,
    kCursorStart = 0x0A,
    kCursorEnd = 0x0B,
    kStartHigh = 0x0C,
    kStartLow = 0x0D,
    kCursorHigh = 0x0E,
    kCursorLow = 0x0F,
    kVRetraceStart = 0x10,
    kVRetraceEnd = 0x11,
    kVDisplayEnd = 0x12,
    kOffset = 0x13,
    kUnderline = 0x14,
    kModeControl = 0x17,
    kLineCompare = 0x18,
  };
  enum Gfx : u8 {
    kSetReset,
    kEnableSetReset,
    kColorCompare,
    kRotate,
    kReadMap,
    kGfxMode,
    kMisc,
    kColorDontCare,
    kBitMask,
  };
  enum Attr : u8 { kAttrMode = 0x10, kOverscan, kPlaneEnable, kPelPanning, kColorSelect };
  enum Vbe : u8 {
    kVbeId,
    kVbeXres,
    kVbeYres,
    kVbeBpp,
    kVbeEnable,
    kVbeBank,
    kVbeVirtWidth,
    kVbeVirtHeight,
    kVbeXOffset,
    kVbeYOffset,
    kVbeMemory64K,
    kVbeRegisters,
  };
  enum VbeEnableBit : u16 {
    kVbeEnabled = 1,
    kVbeGetCaps = 2,
    kVbe8BitDac = 0x20,
    kVbeLfb = 0x40,
    kVbeNoClear = 0x80
  };

  u8 misc_output = 0, feature = 0;
  u8 seq_index = 0, crtc_index = 0, gfx_index = 0;
  u8 attr_index = 0;  ///< with bit 5, palette address source: the screen is on
  bool attr_data = false;
  std::array<u8, 8> seq{};
  std::array<u8, 25> crtc{};
  std::array<u8, 9> gfx{};
  std::array<u8, 21> attr{};
  u8 dac_mask = 0xFF, dac_read = 0, dac_write = 0, dac_component = 0, dac_mode = 0;
  std::array<u8, 3> dac_latch{};
  std::array<u8, 768> dac{};  ///< R, G, B; 6 bits each, or 8 with kVbe8BitDac
  u32 latch = 0;              ///< four planes' bytes, plane 0 lowest
  u16 vbe_index = 0;
  std::array<u16, kVbeRegisters> vbe{};

  bool vbe_enabled() const { return vbe[kVbeEnable] & kVbeEnabled; }
  /// Video memory holds plane p's byte o at o * 4 + p; while chain-4 is on, so that the cpu's bytes
  /// are in line, at (o & 3) << 16 | (o & FFFCh) | p.
  bool chained() const { return seq[kMemoryMode] & 8; }
  /// The four planes' bytes at o, of the first 256 KiB.
  u32 planes_at(u32 o) const { return chained() ? (o & 3) << 16 | (o & 0xFFFC) : (o & 0xFFFF) * 4; }
  bool graphics() const { return gfx[kMisc] & 1; }
  bool screen_on() const { return (attr_index & 0x20) && !(seq[kClockingMode] & 0x20); }
  unsigned v_total() const { return vertical(kVTotal, 0, 5) + 2; }
  unsigned v_display() const { return vertical(kVDisplayEnd, 1, 6) + 1; }
  unsigned v_retrace_start() const { return vertical(kVRetraceStart, 2, 7); }
  unsigned line_compare() const {
    return crtc[kLineCompare] | (crtc[kOverflow] >> 4 & 1u) << 8 |
           (crtc[kMaxScanLine] >> 6 & 1u) << 9;
  }
  /// Dots of a character clock.
  unsigned char_dots() const { return seq[kClockingMode] & 1 ? 8 : 9; }

  /// A colour of the DAC as 00RRGGBBh. Six bits become eight as QEMU does it: bit 0 fills up.
  u32 color(u8 index) const {
    const u8* rgb = &dac[size_t{index} * 3];
    return widened(rgb[0]) << 16 | widened(rgb[1]) << 8 | widened(rgb[2]);
  }
  /// A 4-bit colour through the attribute controller's palette, as an index into the DAC.
  u8 attribute_color(u8 color4) const {
    const u8 entry = attr[color4 & 15], select = attr[kColorSelect];
    const u8 index = attr[kAttrMode] & 0x80 ? static_cast<u8>((select & 0xF) << 4 | (entry & 0xF))
                                            : static_cast<u8>((select & 0xC) << 4 | (entry & 0x3F));
    return index & dac_mask;
  }

  template <class V>
  void fields(V& v) {
    v("misc_output", misc_output)("feature", feature)("seq_index", seq_index)(
        "crtc_index", crtc_index)("gfx_index", gfx_index)("attr_index", attr_index)(
        "attr_data", attr_data)("seq", seq)("crtc", crtc)("gfx", gfx)("attr", attr);
    v("dac_mask", dac_mask)("dac_read", dac_read)("dac_write", dac_write)(
        "dac_component", dac_component)("dac_mode", dac_mode)("dac_latch", dac_latch)("dac", dac)(
        "latch", latch)("vbe_index", vbe_index)("vbe", vbe);
  }

 private:
  unsigned vertical(u8 reg, unsigned bit8, unsigned bit9) const {
    return crtc[reg] | (crtc[kOverflow] >> bit8 & 1u) << 8 | (crtc[kOverflow] >> bit9 & 1u) << 9;
  }
  u32 widened(u8 c) const {
    return vbe[kVbeEnable] & kVbe8BitDac ? c : u32((c << 2 | (c & 1) << 1 | (c & 1)) & 0xFF);
  }
};

}  // namespace ring3
