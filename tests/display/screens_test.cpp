// SPDX-License-Identifier: MIT
// Whole screens: guests that set modes through registers alone, drawn by ring3 and by QEMU. The
// pictures are equal to the pixel. golden/ is made by update-golden.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "core/engine.h"
#include "devices/pc.h"
#include "display/picture_file.h"
#include "display/screendump.h"
#include "tools/entry.h"

using namespace ring3;

namespace {

std::vector<u8> guest_image(const std::string& guest) {
  std::ifstream file(RING3_SCREEN_GUESTS "/" + guest + ".bin", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Picture golden(const std::string& guest) {
  auto picture = load_png(RING3_SCREEN_GOLDEN "/" + guest + ".png");
  return picture ? *picture : Picture();
}

/// A board without firmware that runs the guest from 0:7C00h to its end.
struct GuestRun {
  explicit GuestRun(const std::string& guest) : board(config()) {
    board.on_reset([this, image = guest_image(guest)] {
      board.memory().write(PhysAddr{0x7C00}, std::span<const u8>(image));
      enter(board.cpu(), {.mode = EntryMode::Real16, .rip = 0x7C00});
    });
    board.reset();
    status = board.run(*make_interpreter(board.cpu()));
  }
  static PcConfig config() {
    PcConfig config;
    config.ram_bytes = 16 << 20;
    config.cpu = *CpuModel::parse("max");
    config.icount = true;
    config.icount_sleep = false;
    config.debug_exit = u16{0xF4};
    return config;
  }
  Pc board;
  int status = 0;
};

/// The first pixel that differs, for the report.
std::string difference(const Picture& a, const Picture& b) {
  if (a.width != b.width || a.height != b.height)
    return fmt::format("{}x{} against {}x{}", a.width, a.height, b.width, b.height);
  for (size_t i = 0; i < a.pixels.size(); ++i)
    if (a.pixels[i] != b.pixels[i])
      return fmt::format("({}, {}): {:06x} against {:06x}", i % static_cast<size_t>(a.width),
                         i / static_cast<size_t>(a.width), a.pixels[i], b.pixels[i]);
  return "equal";
}

void check_screen(const std::string& guest) {
  GuestRun run(guest);
  CHECK(run.status == 1);
  CHECK(difference(take_picture(*run.board.vga()), golden(guest)) == "equal");
}

}  // namespace

TEST_CASE("screens: text of 80 by 25 -> QEMU's picture") { check_screen("text80"); }
TEST_CASE("screens: text of 132 by 43 -> QEMU's picture") { check_screen("text132"); }
TEST_CASE("screens: mode 12h, every write and read mode -> QEMU's picture") {
  check_screen("mode12");
}
TEST_CASE("screens: mode 13h -> QEMU's picture") { check_screen("mode13"); }
TEST_CASE("screens: mode X, paged and split -> QEMU's picture") { check_screen("modex"); }
TEST_CASE("screens: VBE 1024 by 768 by 32, banks and frame buffer -> QEMU's picture") {
  check_screen("vbe32");
}
