// SPDX-License-Identifier: MIT
// Video memory as the cpu sees it through A0000h-BFFFFh: planes, latches, the four write modes and
// two read modes, odd/even and chain-4 (IBM VGA Technical Reference, "Graphics Controller").
#include <algorithm>
#include <bit>

#include "base/bits.h"
#include "devices/vga.h"

namespace ring3 {
namespace {

enum MemoryMode : u8 { kOddEvenOff = 4, kChain4 = 8 };
enum GfxMode : u8 { kWriteMode = 3, kReadCompare = 8, kHostOddEven = 0x10 };
enum Misc : u8 { kRamEnable = 2 };

/// Plane bits 0-3 as bytes of ones.
constexpr u32 plane_bytes(u32 planes) {
  const u32 spread = (planes & 1) | (planes & 2) << 7 | (planes & 4) << 14 | (planes & 8) << 21;
  return spread * 0xFF;
}
constexpr u32 all_planes(u8 byte) { return byte * 0x0101'0101u; }

}  // namespace

/// Where the offset from A0000h is in the memory map that the guest chose; nullopt: not there.
std::optional<u32> Vga::window_offset(u32 a) const {
  if (!(s_.misc_output & kRamEnable)) return std::nullopt;
  static constexpr struct {
    u32 start, size;
  } kMaps[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
  const auto& map = kMaps[s_.gfx[VgaState::kMisc] >> 2 & 3];
  if (a - map.start >= map.size) return std::nullopt;
  const u32 bank = s_.vbe_enabled() ? u32{s_.vbe[VgaState::kVbeBank]} << 16 : 0;
  return (a - map.start) + bank;
}

/// What reads and writes of one byte share: its four planes in video memory, and its own lane.
/// Planar modes see 64 Ki addresses a plane, or with VBE all that there is.
static u32 planes_at(u32 a, bool vbe, size_t size) {
  return static_cast<u32>((u64{vbe ? a : a & 0xFFFF} * 4) & (size - 1));
}

u8 Vga::window_read(u32 offset) {
  const auto a = window_offset(offset);
  if (!a) return 0xFF;
  const bool vbe = s_.vbe_enabled();
  u32 at, lane = s_.gfx[VgaState::kReadMap];
  if (s_.seq[VgaState::kMemoryMode] & kChain4) {
    at = ((vbe ? *a : *a & 0xFFFF) & ~3u) & static_cast<u32>(video_.size() - 1);
    lane = *a & 3;
  } else if (s_.gfx[VgaState::kGfxMode] & kHostOddEven) {
    at = planes_at(*a & ~1u, vbe, video_.size());
    lane = (lane & 2) | (*a & 1);
  } else {
    at = planes_at(*a, vbe, video_.size());
  }
  s_.latch = load<u32>(&video_[at]);
  if (!(s_.gfx[VgaState::kGfxMode] & kReadCompare)) return static_cast<u8>(s_.latch >> (8 * lane));
  // Read mode 1: ones where all planes that care have the colour to compare with.
  const u32 differs = (s_.latch ^ plane_bytes(s_.gfx[VgaState::kColorCompare])) &
                      plane_bytes(s_.gfx[VgaState::kColorDontCare]);
  return static_cast<u8>(~(differs | differs >> 8 | differs >> 16 | differs >> 24));
}

/// The four planes' bytes that a cpu byte makes.
u32 Vga::written(u8 value) const {
  const u8 mode = s_.gfx[VgaState::kGfxMode] & kWriteMode, rotate = s_.gfx[VgaState::kRotate];
  if (mode == 1) return s_.latch;
  const u8 rotated = std::rotr(value, rotate & 7);
  const u32 set_reset = plane_bytes(s_.gfx[VgaState::kSetReset]);
  u32 mask = all_planes(s_.gfx[VgaState::kBitMask]), data = set_reset;
  if (mode == 0) {
    const u32 enabled = plane_bytes(s_.gfx[VgaState::kEnableSetReset]);
    data = (all_planes(rotated) & ~enabled) | (set_reset & enabled);
  } else if (mode == 2) {
    data = plane_bytes(value);
  } else {
    mask &= all_planes(rotated);
  }
  switch (rotate >> 3 & 3) {
    case 1:
      data &= s_.latch;
      break;
    case 2:
      data |= s_.latch;
      break;
    case 3:
      data ^= s_.latch;
      break;
    default:
      break;
  }
  return (data & mask) | (s_.latch & ~mask);
}

void Vga::store_planes(u32 at, u32 value, u32 mask) {
  u8* const p = &video_[at];
  store<u32>(p, (load<u32>(p) & ~mask) | (value & mask));
  touch(at);
  map_.notify_device_ram(at, 4, PhysicalMemory::kWatchScreen);
}

void Vga::window_write(u32 offset, u8 value) {
  const auto a = window_offset(offset);
  if (!a) return;
  const bool vbe = s_.vbe_enabled();
  u32 at, planes = s_.seq[VgaState::kMapMask];
  if (s_.seq[VgaState::kMemoryMode] & kChain4) {
    at = ((vbe ? *a : *a & 0xFFFF) & ~3u) & static_cast<u32>(video_.size() - 1);
    planes &= 1u << (*a & 3);
  } else if (!(s_.seq[VgaState::kMemoryMode] & kOddEvenOff)) {
    at = planes_at(*a & ~1u, vbe, video_.size());
    planes &= 0b0101u << (*a & 1);
  } else {
    at = planes_at(*a, vbe, video_.size());
  }
  if (planes & 4) fonts_changed_ = true;
  store_planes(at, written(value), plane_bytes(planes));
}

u64 Vga::Window::mmio_read(u64 offset, unsigned size) {
  u64 value = 0;
  for (unsigned i = 0; i < size; ++i)
    value |= u64{vga.window_read(static_cast<u32>(offset + i))} << (8 * i);
  return value;
}

void Vga::Window::mmio_write(u64 offset, unsigned size, u64 value) {
  for (unsigned i = 0; i < size; ++i)
    vga.window_write(static_cast<u32>(offset + i), static_cast<u8>(value >> (8 * i)));
}

/// Chain-4 goes on or off: each byte of the four planes moves to its place in the other layout.
void Vga::relayout(bool chained) {
  if (s_.vbe_enabled()) return;
  const std::vector<u8> old(video_.begin(), video_.begin() + kPlanarBytes);
  for (u32 o = 0; o < kPlanarBytes / 4; ++o) {
    const u32 planar = o * 4, linear = (o & 3) << 16 | (o & 0xFFFC);
    std::copy_n(&old[chained ? planar : linear], 4, &video_[chained ? linear : planar]);
  }
  map_.notify_device_ram(0, kPlanarBytes, PhysicalMemory::kWatchScreen);
  touch_all();
}

/// True if A0000h-AFFFFh shows video memory byte by byte, so that it can be mapped as RAM.
bool Vga::window_is_direct() const {
  const auto& gfx = s_.gfx;
  return (s_.misc_output & kRamEnable) && (gfx[VgaState::kMisc] >> 2 & 3) == 1 &&
         (s_.seq[VgaState::kMemoryMode] & kChain4) && s_.seq[VgaState::kMapMask] == 15 &&
         gfx[VgaState::kEnableSetReset] == 0 && gfx[VgaState::kRotate] == 0 &&
         (gfx[VgaState::kGfxMode] & (kWriteMode | kReadCompare)) == 0 &&
         gfx[VgaState::kBitMask] == 0xFF;
}

/// The direct window goes at once when it does not fit any more, but comes back only when the
/// registers rest: a change of the map costs every translation, and some guests switch banks often.
void Vga::place_direct_window() {
  constexpr Nanos kRest = 50'000'000;
  const auto wanted = wanted_direct_window();
  if (wanted == direct_) return place_direct_.cancel();
  if (direct_) map_.remove_device_ram({kWindow}, kDirectSize);
  direct_.reset();
  if (wanted) place_direct_.schedule_in(kRest);
}

std::optional<u64> Vga::wanted_direct_window() const {
  if (!window_is_direct()) return std::nullopt;
  const u64 bank = s_.vbe_enabled() ? u64{s_.vbe[VgaState::kVbeBank]} << 16 : 0;
  return bank & (video_.size() - 1);
}

void Vga::add_direct_window() {
  if (direct_ || !(direct_ = wanted_direct_window())) return;
  map_.add_device_ram({kWindow}, kDirectSize, *direct_);
}

}  // namespace ring3
