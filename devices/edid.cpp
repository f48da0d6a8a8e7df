// SPDX-License-Identifier: MIT
#include "devices/edid.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace ring3 {
namespace {

constexpr unsigned kDpi = 100;
constexpr std::array<u8, 8> kHeader = {0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00};

/// Three letters, five bits each (A is 1).
constexpr u16 manufacturer(std::string_view id) {
  return static_cast<u16>((id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@'));
}

/// "Detailed Timing Definition", 18 bytes: 60 Hz with reduced blanking.
void put_timing(u8* p, unsigned width, unsigned height) {
  const unsigned h_blank = 160, v_blank = 30, front = 48, sync = 32, v_front = 3, v_sync = 6;
  const u64 clock = u64{width + h_blank} * (height + v_blank) * 60 / 10'000;
  const unsigned mm_wide = width * 254 / (kDpi * 10), mm_high = height * 254 / (kDpi * 10);
  const unsigned bytes[18] = {static_cast<unsigned>(clock & 0xFF),
                              static_cast<unsigned>(std::min<u64>(clock, 0xFFFF) >> 8),
                              width & 0xFF,
                              h_blank & 0xFF,
                              (width >> 8) << 4 | h_blank >> 8,
                              height & 0xFF,
                              v_blank & 0xFF,
                              (height >> 8) << 4 | v_blank >> 8,
                              front,
                              sync,
                              v_front << 4 | v_sync,
                              0,
                              mm_wide & 0xFF,
                              mm_high & 0xFF,
                              (mm_wide >> 8) << 4 | mm_high >> 8,
                              0,
                              0,
                              0x18};  // digital separate sync
  for (unsigned i = 0; i < 18; ++i) p[i] = static_cast<u8>(bytes[i]);
}

/// A display descriptor with up to 13 characters of text.
void put_text(u8* p, u8 tag, std::string_view text) {
  p[3] = tag;
  std::fill(p + 5, p + 18, u8{' '});
  std::copy(text.begin(), text.end(), p + 5);
  if (text.size() < 13) p[5 + text.size()] = '\n';
}

}  // namespace

std::array<u8, 128> make_edid(unsigned width, unsigned height) {
  std::array<u8, 128> e{};
  std::copy(kHeader.begin(), kHeader.end(), e.begin());
  const u16 maker = manufacturer("RNG");
  e[8] = static_cast<u8>(maker >> 8);
  e[9] = static_cast<u8>(maker);
  e[10] = 0x03;                                         // product code
  e[16] = 1, e[17] = 2026 - 1990;                       // week and year
  e[18] = 1, e[19] = 4;                                 // EDID 1.4
  e[20] = 0xA5;                                         // digital, 8 bits a colour, DisplayPort
  e[21] = static_cast<u8>(width * 254 / (kDpi * 100));  // in centimetres
  e[22] = static_cast<u8>(height * 254 / (kDpi * 100));
  e[23] = 120;   // gamma 2.2
  e[24] = 0x06;  // sRGB, the first timing is preferred
  constexpr u8 kSrgb[10] = {0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54};
  std::copy(std::begin(kSrgb), std::end(kSrgb), e.begin() + 25);
  e[35] = 0x21, e[36] = 0x08;                        // 640x480, 800x600, 1024x768 at 60 Hz
  std::fill(e.begin() + 38, e.begin() + 54, u8{1});  // no standard timings
  put_timing(&e[54], width, height);
  put_text(&e[72], 0xFC, "ring3 monitor");
  e[93] = 0x10, e[111] = 0x10;  // two unused descriptors
  e[127] = static_cast<u8>(-std::accumulate(e.begin(), e.end() - 1, 0));
  return e;
}

}  // namespace ring3
