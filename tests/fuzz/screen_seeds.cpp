// SPDX-License-Identifier: MIT
// VGA and VBE modes, set as a video BIOS and drivers set them, then drawn.
#include "tests/fuzz/builder.h"
#include "tests/fuzz/device_seeds.h"

namespace ring3::fuzz {
namespace {

// Offsets in the region of 3C0h.
constexpr u16 kAttribute = 0, kMisc = 2, kSequencer = 4, kDacMask = 6, kDacRead = 7, kDacWrite = 8,
              kDac = 9, kGraphics = 14;

Builder& indexed(Builder& b, Port port, u16 offset, const std::vector<u32>& values) {
  u32 index = 0;
  for (const u32 value : values) b.out(port, index++, offset).out(port, value, offset + 1u);
  return b;
}

struct Mode {
  u32 misc;
  std::vector<u32> sequencer, crtc, graphics;
  u32 attribute;
};

Builder& set_mode(Builder& b, const Mode& mode) {
  b.out(kVgaMain, mode.misc, kMisc);
  indexed(b, kVgaMain, kSequencer, mode.sequencer);
  b.out(kVgaCrt, 0x11).out(kVgaCrt, 0, 1);
  indexed(b, kVgaCrt, 0, mode.crtc), indexed(b, kVgaMain, kGraphics, mode.graphics);
  b.in(kVgaCrt, 6);
  for (u32 i = 0; i < 16; ++i) b.outs(kVgaMain, {i, i}, kAttribute);
  return b.outs(kVgaMain, {0x10, mode.attribute, 0x13, 0, 0x20}, kAttribute);
}

Mode text_mode() {
  return Mode{0x67,
              {3, 0, 3, 0, 2},
              {0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0,    0x4F, 0x0D, 0x0E, 0,
               0,    0,    0,    0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF},
              {0, 0, 0, 0, 0, 0x10, 0x0E, 0, 0xFF},
              0x0C};
}
Mode planar_mode() {
  return Mode{0xE3,
              {3, 1, 15, 0, 6},
              {0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0,    0x40, 0,    0,   0,
               0,    0,    0,    0xEA, 0x8C, 0xDF, 0x28, 0,    0xE7, 4,    0xE3, 0xFF},
              {0, 0, 0, 0, 0, 0, 5, 15, 0xFF},
              1};
}
Mode mode_13h() {
  return Mode{0x63,
              {3, 1, 15, 0, 14},
              {0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0,    0x41, 0,    0,   0,
               0,    0,    0,    0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF},
              {0, 0, 0, 0, 0, 0x40, 5, 15, 0xFF},
              0x41};
}

Builder text() {
  Builder b;
  set_mode(b, text_mode());
  for (u16 at = 0; at < 32; at += 2) b.write(kVgaWindow, 0xC000 + at, 0x87410742);
  b.draw().out(kVgaCrt, 0x0E).out(kVgaCrt, 7, 1).pass(300'000'000).draw();
  return b.out(kVgaCrt, 0x18)
      .out(kVgaCrt, 0x40, 1)
      .out(kVgaCrt, 8)
      .out(kVgaCrt, 3, 1)
      .draw()
      .restore();
}

Builder planar() {
  Builder b;
  set_mode(b, planar_mode());
  for (u32 mode = 0; mode < 4; ++mode) {
    b.out(kVgaMain, 5, kGraphics).out(kVgaMain, mode, kGraphics + 1);
    b.read(kVgaWindow, 0x200, 3).write(kVgaWindow, 0x200, 0x12345678, 3);
    b.out(kVgaMain, 3, kGraphics).out(kVgaMain, mode << 3 | mode, kGraphics + 1);
  }
  b.out(kVgaMain, 5, kGraphics).out(kVgaMain, 8, kGraphics + 1).read(kVgaWindow, 1, 0);
  return b.draw().out(kVgaCrt, 0x0D).out(kVgaCrt, 9, 1).draw().restore();
}

Builder packed() {
  Builder b;
  set_mode(b, mode_13h());
  b.out(kVgaMain, 0xFF, kDacMask)
      .out(kVgaMain, 0, kDacWrite)
      .outs(kVgaMain, {1, 2, 3, 4, 5, 6}, kDac);
  b.out(kVgaMain, 0, kDacRead).in_repeat(kVgaMain, 6, 0, kDac).write(kVgaWindow, 9, 0x01020304, 3);
  b.draw().out(kVgaMain, 4, kSequencer).out(kVgaMain, 6, kSequencer + 1);  // mode X
  return b.write(kVgaWindow, 9, 0x01020304, 3).draw().restore();
}

Builder vbe() {
  Builder b;
  for (const u32 depth : {32, 24, 16, 15, 8, 4}) {
    u32 index = 0;
    for (const u32 value :
         {0xB0C5u, 320u, 200u, depth, depth == 8 ? 0xE1u : 0x41u, 0u, 640u, 400u, 8u, 4u})
      b.out(kVbe, index++, 0, 1).out(kVbe, value, 1, 1);
    b.write(kFrameBuffer, 3, 0x55AA55AA, 3).write(kVgaWindow, 8, 1);
    if (depth != 24 && depth != 15) b.draw();
  }
  b.out(kVbe, 5, 0, 1).out(kVbe, 3, 1, 1).write(kVgaWindow, 9, 1);
  b.write(kVgaRegisters, 0x500, 3, 1).read(kVgaRegisters, 0x502, 1).read(kVgaRegisters, 0, 3);
  return b.write(kVgaRegisters, 0x400, 1, 0).write(kVgaRegisters, 0x604, 0x1E1E1E1E).restore();
}

}  // namespace

void add_screen_seeds(std::vector<Seed>& out) {
  out.push_back({"text", text().bytes});
  out.push_back({"planar", planar().bytes});
  out.push_back({"packed", packed().bytes});
  out.push_back({"vbe", vbe().bytes});
}

}  // namespace ring3::fuzz
