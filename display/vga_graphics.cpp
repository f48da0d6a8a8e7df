// SPDX-License-Identifier: MIT
// Graphics modes: the shift registers of the VGA (16 colours, CGA's pairs, 256 colours), and the
// packed pixels of VBE.
#include <algorithm>

#include "base/bits.h"
#include "display/vga_beam.h"
#include "display/vga_screen.h"

namespace ring3 {
namespace {

enum Shift : u8 { kPlanes, kPairs, kBytes };  // GR5 bits 5-6

/// 16 colours: a bit of each plane makes a pixel. Eight pixels, the left one in the highest nibble.
u32 pixels_of_planes(u32 planes) {
  u32 pixels = 0;
  for (unsigned p = 0; p < 4; ++p) {
    // Spreads the plane's bits so that bit i lands at bit 4 * i.
    u32 x = planes >> (8 * p) & 0xFF;
    x = (x | x << 12) & 0x000F'000F;
    x = (x | x << 6) & 0x0303'0303;
    x = (x | x << 3) & 0x1111'1111;
    pixels |= x << p;
  }
  return pixels;
}

/// CGA: two bits of planes 0 and 1 make a pixel, planes 2 and 3 give its upper bits.
u32 pixels_of_pairs(u32 planes) {
  u32 pixels = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned odd = i / 4 * 8, shift = 6 - 2 * (i & 3);
    const u32 color = (planes >> (odd + shift) & 3) | (planes >> (16 + odd + shift) & 3) << 2;
    pixels |= color << (28 - 4 * i);
  }
  return pixels;
}

u32 widened(u32 value, unsigned bits) { return value << (8 - bits) | value >> (2 * bits - 8); }

u32 from_555(u32 v) {
  return widened(v >> 10 & 31, 5) << 16 | widened(v >> 5 & 31, 5) << 8 | widened(v & 31, 5);
}
u32 from_565(u32 v) {
  return widened(v >> 11 & 31, 5) << 16 | widened(v >> 5 & 63, 6) << 8 | widened(v & 31, 5);
}

}  // namespace

/// `clocks` character clocks of dots, each doubled if the dot clock is halved.
void VgaScreen::expand_line(u16 address, u8 scan, unsigned clocks, u32* out) const {
  const u8 shift = s_.gfx[VgaState::kGfxMode] >> 5 & 3;
  const bool wide = s_.seq[VgaState::kClockingMode] & 8;
  const auto put = [&](u32 color) {
    *out++ = color;
    if (wide) *out++ = color;
  };
  for (unsigned c = 0; c < clocks; ++c) {
    const u16 at = vga_memory_address(s_, static_cast<u16>(address + c), scan);
    const u32 planes = load<u32>(&vga_.memory()[s_.planes_at(at)]);
    if (shift >= kBytes) {
      for (unsigned p = 0; p < 4; ++p) {
        put(palette256_[planes >> (8 * p) & 0xFF]);
        put(palette256_[planes >> (8 * p) & 0xFF]);
      }
      continue;
    }
    const u32 pixels = shift == kPairs ? pixels_of_pairs(planes) : pixels_of_planes(planes);
    for (int bit = 28; bit >= 0; bit -= 4) put(palette16_[pixels >> bit & 15]);
  }
}

void VgaScreen::draw_planar() {
  const unsigned clocks = s_.crtc[VgaState::kHDisplayEnd] + 1u;
  const unsigned wide = s_.seq[VgaState::kClockingMode] & 8 ? 2 : 1;
  const unsigned pan = (s_.attr[VgaState::kPelPanning] & 7) * wide;
  line_.resize((clocks + 1) * 8 * wide);
  VgaBeam beam(s_);
  for (int y = 0; y < mode_.height; ++y, beam.next_line()) {
    const bool still = beam.split() && (s_.attr[VgaState::kAttrMode] & 0x20);
    if (!beam.repeats()) expand_line(beam.address(), beam.scan(), clocks + 1, line_.data());
    put_line(y, line_.data() + (still ? 0 : pan));
  }
}

void VgaScreen::draw_packed_line(u64 start, u32* out) const {
  const std::span<const u8> memory = vga_.memory();
  const u16 bpp = s_.vbe[VgaState::kVbeBpp];
  const unsigned bytes = (bpp + 7u) / 8;
  const u64 room = start < memory.size() ? (memory.size() - start) / bytes : 0;
  const u64 width = static_cast<u64>(mode_.width), count = std::min(width, room);
  const u8* p = memory.data() + (count ? start : 0);
  for (u64 x = 0; x < count; ++x, p += bytes) {
    switch (bpp) {
      case 8:
        out[x] = palette256_[*p];
        break;
      case 15:
        out[x] = from_555(load<u16>(p));
        break;
      case 16:
        out[x] = from_565(load<u16>(p));
        break;
      case 24:
        out[x] = u32{p[0]} | u32{p[1]} << 8 | u32{p[2]} << 16;
        break;
      default:
        out[x] = load<u32>(p) & 0xFF'FFFF;
    }
  }
  std::fill(out + count, out + width, 0);
}

/// Lines on pages that were not written are as they were.
void VgaScreen::draw_packed(const Vga::Changes& changes, bool all) {
  const u64 bytes = (s_.vbe[VgaState::kVbeBpp] + 7u) / 8;
  const u64 pitch = s_.vbe[VgaState::kVbeVirtWidth] * bytes;
  const u64 length = static_cast<u64>(mode_.width) * bytes;
  u64 start = s_.vbe[VgaState::kVbeYOffset] * pitch + s_.vbe[VgaState::kVbeXOffset] * bytes;
  line_.resize(static_cast<size_t>(mode_.width));
  for (int y = 0; y < mode_.height; ++y, start += pitch) {
    bool written = all;
    const u64 last = std::min((start + length - 1) >> kPageShift, u64{changes.pages.size()} - 1);
    for (u64 page = start >> kPageShift; !written && page <= last; ++page)
      written = changes.pages[page];
    if (!written) continue;
    draw_packed_line(start, line_.data());
    put_line(y, line_.data());
  }
}

void VgaScreen::draw_vbe_planar() {
  const std::span<const u8> memory = vga_.memory();
  const u64 pitch = s_.vbe[VgaState::kVbeVirtWidth] / 8;
  u64 start = s_.vbe[VgaState::kVbeYOffset] * pitch + s_.vbe[VgaState::kVbeXOffset] / 8;
  const unsigned clocks = static_cast<unsigned>(mode_.width) / 8;
  line_.resize(clocks * 8);
  for (int y = 0; y < mode_.height; ++y, start += pitch) {
    u32* out = line_.data();
    for (unsigned c = 0; c < clocks; ++c) {
      const u32 pixels =
          pixels_of_planes(load<u32>(&memory[(start + c) * 4 & (memory.size() - 1)]));
      for (int bit = 28; bit >= 0; bit -= 4) *out++ = palette16_[pixels >> bit & 15];
    }
    put_line(y, line_.data());
  }
}

}  // namespace ring3
