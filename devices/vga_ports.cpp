// SPDX-License-Identifier: MIT
// The VGA's ports: attribute controller, sequencer, graphics controller, CRTC, DAC, status.
// Offsets count from port 3B0h. IBM VGA Technical Reference, "Registers".
#include <algorithm>

#include "devices/vga.h"

namespace ring3 {
namespace {

enum Offset : u32 {
  kMonoIndex = 0x04,
  kMonoData,
  kMonoStatus = 0x0A,
  kAttribute = 0x10,
  kAttributeRead,
  kMiscWrite,
  kSeqIndex = 0x14,
  kSeqData,
  kDacMask,
  kDacRead,
  kDacWrite,
  kDacData,
  kFeatureRead,
  kMiscRead = 0x1C,
  kGfxIndex = 0x1E,
  kGfxData,
  kColorIndex = 0x24,
  kColorData,
  kColorStatus = 0x2A,
};
// What of each register exists.
constexpr u8 kSeqMask[8] = {0x03, 0x3D, 0x0F, 0x3F, 0x0E};
constexpr u8 kGfxMask[16] = {0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF};
constexpr u8 kAttrMask[21] = {0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0x3F,
                              0x3F, 0x3F, 0x3F, 0x3F, 0x3F, 0xEF, 0xFF, 0x3F, 0x0F, 0x0F};
enum Misc : u8 { kColorPorts = 1 };
enum Status1 : u8 { kDisplayDisabled = 1, kVerticalRetrace = 8 };
constexpr u8 kPaletteSource = 0x20, kProtect = 0x80;

}  // namespace

u32 Vga::read(u32 offset, Width width) {
  if (offset >= kVbeOffset) return read_vbe(offset - kVbeOffset, width);
  u32 value = 0;
  for (u32 i = 0; i < bytes(width); ++i) value |= u32{read_port(offset + i)} << (8 * i);
  return value;
}

void Vga::write(u32 offset, Width width, u32 value) {
  if (offset >= kVbeOffset) return write_vbe(offset - kVbeOffset, width, value);
  for (u32 i = 0; i < bytes(width); ++i) write_port(offset + i, static_cast<u8>(value >> (8 * i)));
}

/// The CRTC and status ports answer at 3Bxh or at 3Dxh.
static bool deaf(u32 offset, u8 misc) {
  const bool mono = offset<kAttribute, color = offset> kGfxData;
  return (mono && (misc & kColorPorts)) || (color && !(misc & kColorPorts));
}

u8 Vga::read_port(u32 offset) {
  if (deaf(offset, s_.misc_output)) return 0xFF;
  switch (offset) {
    case kAttribute:
      return s_.attr_data ? 0 : s_.attr_index;
    case kAttributeRead:
      return (s_.attr_index & 31) < s_.attr.size() ? s_.attr[s_.attr_index & 31] : 0;
    case kMiscWrite:
      return 0;  // input status 0: no retrace interrupt, sense line low
    case kSeqIndex:
      return s_.seq_index;
    case kSeqData:
      return s_.seq[s_.seq_index];
    case kDacMask:
      return s_.dac_mask;
    case kDacRead:
      return s_.dac_mode;
    case kDacWrite:
      return s_.dac_write;
    case kDacData:
      return read_dac();
    case kFeatureRead:
      return s_.feature;
    case kMiscRead:
      return s_.misc_output;
    case kGfxIndex:
      return s_.gfx_index;
    case kGfxData:
      return s_.gfx_index < s_.gfx.size() ? s_.gfx[s_.gfx_index] : 0;
    case kMonoIndex:
    case kColorIndex:
      return s_.crtc_index;
    case kMonoData:
    case kColorData:
      return s_.crtc_index < s_.crtc.size() ? s_.crtc[s_.crtc_index] : 0;
    case kMonoStatus:
    case kColorStatus:
      return read_status1();
    default:
      return offset >= kAttribute && offset <= kGfxData ? 0 : 0xFF;
  }
}

void Vga::write_port(u32 offset, u8 value) {
  if (deaf(offset, s_.misc_output)) return;
  switch (offset) {
    case kAttribute:
      return write_attribute(value);
    case kMiscWrite:
      s_.misc_output = value;
      return place_direct_window();
    case kSeqIndex:
      s_.seq_index = value & 7;
      return;
    case kSeqData:
      return write_seq(value);
    case kDacMask:
      s_.dac_mask = value;
      return touch_registers();
    case kDacRead:
      s_.dac_read = value;
      s_.dac_component = 0;
      s_.dac_mode = 3;
      return;
    case kDacWrite:
      s_.dac_write = value;
      s_.dac_component = 0;
      s_.dac_mode = 0;
      return;
    case kDacData:
      return write_dac(value);
    case kGfxIndex:
      s_.gfx_index = value & 15;
      return;
    case kGfxData:
      return write_gfx(value);
    case kMonoIndex:
    case kColorIndex:
      s_.crtc_index = value;
      return;
    case kMonoData:
    case kColorData:
      return write_crtc(value);
    case kMonoStatus:
    case kColorStatus:
      s_.feature = value & 0x10;
      return;
    default:
      return;
  }
}

void Vga::write_attribute(u8 value) {
  s_.attr_data = !s_.attr_data;
  if (s_.attr_data) {
    if ((s_.attr_index ^ value) & kPaletteSource) touch_registers();
    s_.attr_index = value & 0x3F;
    return;
  }
  const u8 index = s_.attr_index & 31;
  if (index >= s_.attr.size()) return;
  // The palette can be written only while it does not feed the screen.
  if (index < 16 && (s_.attr_index & kPaletteSource)) return;
  const u8 masked = value & kAttrMask[index];
  if (s_.attr[index] != masked) touch_registers();
  s_.attr[index] = masked;
}

void Vga::write_seq(u8 value) {
  const u8 masked = value & kSeqMask[s_.seq_index];
  const bool chained = s_.chained();
  if (std::exchange(s_.seq[s_.seq_index], masked) == masked) return;
  if (s_.chained() != chained) relayout(s_.chained());
  if (s_.seq_index != VgaState::kMapMask) touch_registers();
  place_direct_window();
}

void Vga::write_gfx(u8 value) {
  if (s_.gfx_index >= s_.gfx.size()) return;
  const u8 masked = value & kGfxMask[s_.gfx_index];
  if (std::exchange(s_.gfx[s_.gfx_index], masked) == masked) return;
  if (s_.gfx_index == VgaState::kGfxMode || s_.gfx_index == VgaState::kMisc) touch_registers();
  place_direct_window();
}

// CRTC 11h bit 7 protects 00h-07h, but for the line compare bit in 07h.
void Vga::write_crtc(u8 value) {
  const u8 index = s_.crtc_index;
  if (index >= s_.crtc.size()) return;
  if (index <= VgaState::kOverflow && (s_.crtc[VgaState::kVRetraceEnd] & kProtect)) {
    if (index != VgaState::kOverflow) return;
    value = static_cast<u8>((s_.crtc[index] & ~0x10) | (value & 0x10));
  }
  if (s_.crtc[index] != value) touch_registers();
  s_.crtc[index] = value;
}

void Vga::write_dac(u8 value) {
  s_.dac_latch[s_.dac_component++] = value;
  if (s_.dac_component < 3) return;
  s_.dac_component = 0;
  const u8 mask = s_.vbe[VgaState::kVbeEnable] & VgaState::kVbe8BitDac ? 0xFF : 0x3F;
  u8* const entry = &s_.dac[size_t{s_.dac_write++} * 3];
  for (unsigned i = 0; i < 3; ++i) {
    const u8 level = s_.dac_latch[i] & mask;
    if (std::exchange(entry[i], level) != level) touch_registers();
  }
}

u8 Vga::read_dac() {
  const u8 value = s_.dac[size_t{s_.dac_read} * 3 + s_.dac_component++];
  if (s_.dac_component == 3) {
    s_.dac_component = 0;
    ++s_.dac_read;
  }
  return value;
}

u8 Vga::read_status1() {
  s_.attr_data = false;
  return retrace_status();
}

/// Where the beam is by now: from the dot clock and the CRTC's totals.
u8 Vga::retrace_status() {
  const u64 dots = (s_.crtc[VgaState::kHTotal] + 5u) * s_.char_dots();
  const u64 clock_khz = (s_.misc_output >> 2 & 3) == 1 ? 28'322 : 25'175;
  const bool halved = s_.seq[VgaState::kClockingMode] & 8;
  const u64 line = std::max<u64>(dots * (halved ? 2 : 1) * 1'000'000 / clock_khz, 1000);
  const u64 lines = std::max(s_.v_total(), 64u);
  const u64 at = clock_.now() % (line * lines);
  const u64 y = at / line, x = at % line;
  const u64 start = s_.v_retrace_start();
  const unsigned length = ((s_.crtc[VgaState::kVRetraceEnd] - start) & 15) + 1;
  const u64 shown =
      line * (s_.crtc[VgaState::kHDisplayEnd] + 1u) / (s_.crtc[VgaState::kHTotal] + 5u);
  u8 status = 0;
  if (y >= s_.v_display() || x >= shown) status |= kDisplayDisabled;
  if (y >= start && y < start + length) status |= kDisplayDisabled | kVerticalRetrace;
  return status;
}

}  // namespace ring3
