// SPDX-License-Identifier: MIT
// The Bochs display interface (ports 1CEh index, 1CFh and 1D0h data; BAR 2 from 500h): modes of 4,
// 8, 15, 16, 24 and 32 bits a pixel by direct setting of width, height and depth.
#include <algorithm>

#include "base/log.h"
#include "devices/vga.h"

namespace ring3 {
namespace {

constexpr u16 kNewestId = 0xB0C5, kOldestId = 0xB0C0;
constexpr u16 kMaxWidth = 16000, kMaxHeight = 12000, kMaxBpp = 32;

unsigned bits_in_memory(u16 bpp) { return bpp == 15 ? 16 : bpp; }

}  // namespace

/// Bytes of a line; of a plane's line with 4 bits a pixel.
u32 Vga::vbe_pitch() const {
  const u32 width = s_.vbe[VgaState::kVbeVirtWidth];
  const u16 bpp = s_.vbe[VgaState::kVbeBpp];
  return bpp == 4 ? width / 8 : width * bits_in_memory(bpp) / 8;
}

u16 Vga::vbe_value(u16 index) const {
  const bool caps = s_.vbe[VgaState::kVbeEnable] & VgaState::kVbeGetCaps;
  if (caps && index == VgaState::kVbeXres) return kMaxWidth;
  if (caps && index == VgaState::kVbeYres) return kMaxHeight;
  if (caps && index == VgaState::kVbeBpp) return kMaxBpp;
  if (index == VgaState::kVbeMemory64K) return static_cast<u16>(video_.size() >> 16);
  return index < s_.vbe.size() ? s_.vbe[index] : 0;
}

// A byte reads the low half; a doubleword at 1CEh is index and data (1D0h).
u32 Vga::read_vbe(u32 offset, Width width) const {
  const u32 value = offset == 0 ? s_.vbe_index : vbe_value(s_.vbe_index);
  if (width != Width::Dword) return value & open_bus(width);
  return offset == 0 ? value | u32{vbe_value(s_.vbe_index)} << 16 : value | 0xFFFF'0000;
}

void Vga::write_vbe(u32 offset, Width width, u32 value) {
  if (width == Width::Byte) return;  // the registers are reached by words only
  if (offset == 0) s_.vbe_index = static_cast<u16>(value);
  if (offset != 0) write_vbe_register(static_cast<u16>(value));
  if (offset == 0 && width == Width::Dword) write_vbe_register(static_cast<u16>(value >> 16));
}

void Vga::write_vbe_register(u16 value) {
  const u16 index = s_.vbe_index;
  switch (index) {
    case VgaState::kVbeId:
      if (value >= kOldestId && value <= kNewestId) s_.vbe[index] = value;
      return;
    case VgaState::kVbeXres:
    case VgaState::kVbeYres:
    case VgaState::kVbeBpp:
    case VgaState::kVbeVirtWidth:
    case VgaState::kVbeXOffset:
    case VgaState::kVbeYOffset:
      s_.vbe[index] = value;
      limit_vbe();
      set_legacy_registers();
      return touch_registers();
    case VgaState::kVbeBank:
      // 64 KiB of the window each; planar modes reach four planes with one.
      s_.vbe[index] = static_cast<u16>(value & ((video_.size() >> 16) - 1));
      return place_direct_window();
    case VgaState::kVbeEnable:
      return enable_vbe(value);
    case VgaState::kVbeVirtHeight:
      return;
    default:
      if (first_times(unknown_vbe_)) RING3_LOG(GuestErrors, "vga: no VBE register {:#x}", index);
  }
}

/// Brings every register into what video memory can show.
void Vga::limit_vbe() {
  auto& v = s_.vbe;
  constexpr u16 kDepths[] = {4, 8, 15, 16, 24, 32};
  if (std::ranges::find(kDepths, v[VgaState::kVbeBpp]) == std::end(kDepths))
    v[VgaState::kVbeBpp] = 8;
  const u32 bits = v[VgaState::kVbeBpp] == 4 ? 4 : bits_in_memory(v[VgaState::kVbeBpp]);
  const auto limit = [](u16& reg, u32 least, u32 most) {
    reg = static_cast<u16>(std::clamp<u32>(reg, least, most));
  };
  limit(v[VgaState::kVbeXres], 8, kMaxWidth);
  v[VgaState::kVbeXres] &= 0xFFF8;
  limit(v[VgaState::kVbeVirtWidth], v[VgaState::kVbeXres], 0xFFF8);
  v[VgaState::kVbeVirtWidth] &= 0xFFF8;
  const u64 line = std::max<u64>(u64{v[VgaState::kVbeVirtWidth]} * bits / 8, 1);
  const u64 lines = std::max<u64>(video_.size() / line, 1);
  limit(v[VgaState::kVbeYres], 1, static_cast<u32>(std::min<u64>(kMaxHeight, lines)));
  v[VgaState::kVbeVirtHeight] = static_cast<u16>(std::min<u64>(lines, 0xFFFF));
  limit(v[VgaState::kVbeXOffset], 0, v[VgaState::kVbeVirtWidth] - v[VgaState::kVbeXres]);
  limit(v[VgaState::kVbeYOffset], 0,
        static_cast<u32>(std::min<u64>(lines, 0xFFFF) - v[VgaState::kVbeYres]));
}

void Vga::enable_vbe(u16 value) {
  const bool was = s_.vbe_enabled(), on = value & VgaState::kVbeEnabled;
  auto& v = s_.vbe;
  if (on && !was) {
    v[VgaState::kVbeVirtWidth] = 0;
    v[VgaState::kVbeXOffset] = v[VgaState::kVbeYOffset] = 0;
    limit_vbe();
    if (!(value & VgaState::kVbeNoClear)) {
      const u64 bytes =
          u64{v[VgaState::kVbeYres]} * vbe_pitch() * (v[VgaState::kVbeBpp] == 4 ? 4 : 1);
      const u64 cleared = std::min<u64>(bytes, video_.size());
      std::ranges::fill(video_.first(cleared), u8{0});
      map_.notify_device_ram(0, cleared, PhysicalMemory::kWatchScreen);
      touch_all();
    }
  }
  if (!on) v[VgaState::kVbeBank] = 0;
  v[VgaState::kVbeEnable] = value;
  set_legacy_registers();
  touch_registers();
  place_direct_window();
}

/// A VBE mode shows in the VGA's registers too: graphics, mapped at A0000h, with the sizes that
/// fit.
void Vga::set_legacy_registers() {
  if (!s_.vbe_enabled()) return;
  const auto put = [](u8& reg, u8 mask, u32 value) {
    reg = static_cast<u8>((reg & ~mask) | (value & mask));
  };
  auto& crtc = s_.crtc;
  const u32 last_line = s_.vbe[VgaState::kVbeYres] - 1u;
  const bool planar = s_.vbe[VgaState::kVbeBpp] == 4;
  put(s_.gfx[VgaState::kMisc], 0x0D, 0x05);
  put(s_.gfx[VgaState::kGfxMode], 0x60, planar ? 0 : 0x40);
  put(crtc[VgaState::kModeControl], 3, 3);
  crtc[VgaState::kOffset] = static_cast<u8>(vbe_pitch() >> (planar ? 1 : 3));
  crtc[VgaState::kHDisplayEnd] = static_cast<u8>((s_.vbe[VgaState::kVbeXres] >> 3) - 1);
  crtc[VgaState::kVDisplayEnd] = static_cast<u8>(last_line);
  put(crtc[VgaState::kOverflow], 0x52,
      (last_line >> 8 & 1) << 1 | (last_line >> 9 & 1) << 6 | 0x10);
  crtc[VgaState::kLineCompare] = 0xFF;
  put(crtc[VgaState::kMaxScanLine], 0xDF, 0x40);
  if (planar) {
    put(s_.seq[VgaState::kClockingMode], 8, 0);
  } else {
    s_.seq[VgaState::kMemoryMode] |= 8;
    s_.seq[VgaState::kMapMask] = 15;
  }
}

}  // namespace ring3
