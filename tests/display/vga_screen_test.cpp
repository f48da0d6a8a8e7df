// SPDX-License-Identifier: MIT
#include "display/vga_screen.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "display/picture_file.h"
#include "display/screendump.h"
#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr u64 kFrameBuffer = 0xFD00'0000;

struct Fixture {
  Bench bench;
  PhysicalMemory memory{1 << 20, 4 << 20};
  Vga vga{bench.clock, memory};
  VgaScreen screen{vga};
  Fixture() {
    vga.set_up_as_firmware();
    set(0x3D4, VgaState::kCursorStart, 0x20);
    screen.refresh();
  }
  void set(u16 port, u8 index, u8 value) {
    vga.write(port - 0x3B0u, Width::Word, u32{value} << 8 | index);
  }
  void vbe(u16 index, u16 value) {
    vga.write(Vga::kVbeOffset, Width::Word, index);
    vga.write(Vga::kVbeOffset + 1, Width::Word, value);
  }
  void vbe_mode(u16 width, u16 height, u16 bpp) {
    vbe(VgaState::kVbeXres, width);
    vbe(VgaState::kVbeYres, height);
    vbe(VgaState::kVbeBpp, bpp);
    vbe(VgaState::kVbeEnable, VgaState::kVbeEnabled | VgaState::kVbeLfb);
  }
  void type(u32 cell, u8 character, u8 attribute) {
    memory.write<u16>({0xB8000 + cell * 2}, static_cast<u16>(attribute << 8 | character));
  }
  u32 pixel(int x, int y) const { return screen.picture().row(y)[x]; }
};

}  // namespace

TEST_CASE("screen: after a video BIOS -> 720 by 400, black") {
  Fixture f;
  CHECK(f.screen.picture().bounds() == Rect{0, 0, 720, 400});
  CHECK(f.pixel(0, 0) == 0);
}

TEST_CASE("screen: nothing changed -> nothing is drawn") {
  Fixture f;
  CHECK_FALSE(f.screen.stale());
  CHECK(f.screen.refresh().empty());
  CHECK(f.screen.next_blink() == kNever);
}

TEST_CASE("screen: one character -> its cell alone is drawn") {
  Fixture f;
  f.type(80 * 2 + 3, 0xDB, 0x0C);
  CHECK(f.screen.refresh() == std::vector<Rect>{{27, 32, 9, 16}});
  CHECK(f.pixel(27, 32) == 0xFF5757);
  CHECK(f.pixel(35, 47) == 0xFF5757);  // the ninth dot of a block
  f.type(80 * 2 + 3, 0xDB, 0x0C);
  CHECK(f.screen.refresh().empty());
}

TEST_CASE("screen: neighbours in a row -> one rectangle") {
  Fixture f;
  for (u32 i = 0; i < 5; ++i) f.type(i, 'x', 7);
  CHECK(f.screen.refresh() == std::vector<Rect>{{0, 0, 45, 16}});
}

TEST_CASE("screen: cursor -> drawn on its lines, blinks, and only its cell changes") {
  Fixture f;
  f.set(0x3D4, VgaState::kCursorStart, 13);
  f.set(0x3D4, VgaState::kCursorLow, 1);
  CHECK(f.screen.refresh() == std::vector<Rect>{{0, 0, 720, 400}});  // its shape changed
  CHECK(f.pixel(9, 13) == 0xA8A8A8);
  CHECK(f.pixel(9, 12) == 0);
  CHECK(f.pixel(8, 13) == 0);
  REQUIRE(f.screen.next_blink() != kNever);
  f.bench.advance_to(f.screen.next_blink());
  CHECK(f.screen.stale());
  CHECK(f.screen.refresh() == std::vector<Rect>{{9, 0, 9, 16}});
  CHECK(f.pixel(9, 13) == 0);
}

TEST_CASE("screen: a character that blinks -> gone in the dark half") {
  Fixture f;
  f.type(0, 0xDB, 0x8F);
  f.screen.refresh();
  CHECK(f.pixel(0, 0) == 0xFFFFFF);
  f.bench.advance(300'000'000);
  f.screen.refresh();
  CHECK(f.pixel(0, 0) == 0);
}

TEST_CASE("screen: start address moves -> text scrolls") {
  Fixture f;
  f.type(80, 0xDB, 0x0F);
  f.set(0x3D4, VgaState::kStartLow, 80);
  CHECK(f.screen.refresh() == std::vector<Rect>{{0, 0, 9, 16}});
  CHECK(f.pixel(0, 0) == 0xFFFFFF);
}

TEST_CASE("screen: screen off -> black, and back") {
  Fixture f;
  f.type(0, 0xDB, 0x0F);
  f.screen.refresh();
  f.set(0x3C4, VgaState::kClockingMode, 0x20);
  CHECK(f.screen.refresh().size() == 1);
  CHECK(f.pixel(0, 0) == 0);
  f.set(0x3C4, VgaState::kClockingMode, 0);
  f.screen.refresh();
  CHECK(f.pixel(0, 0) == 0xFFFFFF);
}

TEST_CASE("screen: pel panning -> text moves left, the next column shows") {
  Fixture f;
  f.type(80, 0xDB, 0x0F);  // stands right of the first row's end
  f.vga.read(0x2A, Width::Byte);
  f.vga.write(0x10, Width::Byte, 0x20 | VgaState::kPelPanning);
  f.vga.write(0x10, Width::Byte, 2);
  f.screen.refresh();
  CHECK(f.pixel(716, 0) == 0);
  CHECK(f.pixel(717, 0) == 0xFFFFFF);
}

TEST_CASE("screen: VBE 32 bits -> only lines with written pages are drawn") {
  Fixture f;
  f.vbe_mode(800, 600, 32);
  CHECK(f.screen.refresh() == std::vector<Rect>{{0, 0, 800, 600}});
  f.memory.write<u32>({kFrameBuffer + (100 * 800 + 7) * 4}, 0xAA123456);
  f.memory.write<u32>({kFrameBuffer + (101 * 800 + 9) * 4}, 0x00FFFFFF);
  CHECK(f.screen.refresh() == std::vector<Rect>{{7, 100, 3, 2}});
  CHECK(f.pixel(7, 100) == 0x123456);
}

TEST_CASE("screen: VBE depths -> the same white and red") {
  for (const auto& [bpp, white, red] : {std::array<u32, 3>{15, 0x7FFF, 0x7C00},
                                        {16, 0xFFFF, 0xF800},
                                        {24, 0xFFFFFF, 0xFF0000},
                                        {32, 0xFFFFFF, 0xFF0000}}) {
    CAPTURE(bpp);
    Fixture f;
    f.vbe_mode(640, 480, static_cast<u16>(bpp));
    const u32 bytes = (bpp + 7) / 8;
    f.memory.write({kFrameBuffer}, std::span(reinterpret_cast<const u8*>(&white), bytes));
    f.memory.write({kFrameBuffer + bytes}, std::span(reinterpret_cast<const u8*>(&red), bytes));
    f.screen.refresh();
    CHECK(f.pixel(0, 0) == 0xFFFFFF);
    CHECK(f.pixel(1, 0) == 0xFF0000);
  }
}

TEST_CASE("screen: VBE offset into a larger picture -> that part shows") {
  Fixture f;
  f.vbe_mode(640, 480, 8);
  f.vbe(VgaState::kVbeVirtWidth, 1024);
  f.vbe(VgaState::kVbeXOffset, 16);
  f.vbe(VgaState::kVbeYOffset, 2);
  f.memory.write<u8>({kFrameBuffer + 2 * 1024 + 16}, 7);
  f.screen.refresh();
  CHECK(f.pixel(0, 0) == 0xA8A8A8);
}

TEST_CASE("screendump: does not take changes from a display that follows") {
  Fixture f;
  f.type(0, 0xDB, 0x0F);
  CHECK(take_picture(f.vga).row(0)[0] == 0xFFFFFF);
  CHECK(f.screen.refresh().size() == 1);
}

TEST_CASE("picture file: PNG -> reads back equal; a path that cannot be -> an error names it") {
  Picture picture(3, 2);
  for (u32 i = 0; i < 6; ++i) picture.pixels[i] = i * 0x010305 + 0xF00000;
  const std::string path =
      std::filesystem::temp_directory_path() / fmt::format("ring3-picture-{}.png", getpid());
  REQUIRE(save_picture(path, picture));
  const auto read = load_png(path);
  REQUIRE(read);
  CHECK(*read == picture);
  std::filesystem::remove(path);
  CHECK(save_picture("/nowhere/x.png", picture).error() ==
        "/nowhere/x.png: No such file or directory");
  CHECK_FALSE(load_png("/nowhere/x.png"));
}
