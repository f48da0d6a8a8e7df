// SPDX-License-Identifier: MIT
// The SDL display on SDL's dummy video driver: keys, pointer and quitting arrive, mode changes are
// survived.
#ifdef RING3_HAVE_SDL
#include <SDL.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "display/sdl_display.h"
#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

struct Typed final : InputSink {
  std::vector<u16> keys;
  int x = -1, y = -1;
  u8 buttons = 0;
  void key(u16 code, bool pressed) override { keys.push_back(pressed ? code : code | 0x80); }
  void pointer(int px, int py, int, int, u8 down, int) override { x = px, y = py, buttons = down; }
};

void push_key(SDL_EventType type, SDL_Scancode code) {
  SDL_Event event{};
  event.type = type;
  event.key.keysym.scancode = code;
  SDL_PushEvent(&event);
}

}  // namespace

TEST_CASE("sdl: events of the window -> keys, pointer, quit") {
  setenv("SDL_VIDEODRIVER", "dummy", 1);
  Bench bench;
  PhysicalMemory memory{1 << 20, 4 << 20};
  Vga vga{bench.clock, memory};
  vga.set_up_as_firmware();
  Typed typed;
  int quits = 0;
  auto display = open_sdl(vga, typed, [&] { ++quits; });
  REQUIRE(display);
  (*display)->serve();
  push_key(SDL_KEYDOWN, SDL_SCANCODE_A);
  push_key(SDL_KEYUP, SDL_SCANCODE_A);
  push_key(SDL_KEYDOWN, SDL_SCANCODE_RALT);
  push_key(SDL_KEYDOWN, SDL_SCANCODE_F12);
  push_key(SDL_KEYDOWN, SDL_SCANCODE_KP_PERIOD);
  SDL_Event motion{};
  motion.type = SDL_MOUSEMOTION;
  motion.motion.x = 12, motion.motion.y = 34, motion.motion.state = SDL_BUTTON_RMASK;
  SDL_PushEvent(&motion);
  SDL_Event quit{};
  quit.type = SDL_QUIT;
  SDL_PushEvent(&quit);
  (*display)->serve();
  CHECK(typed.keys == std::vector<u16>{0x1E, 0x9E, 0xE038, 0x58, 0x53});
  CHECK(typed.x == 12);
  CHECK(typed.y == 34);
  CHECK(typed.buttons == InputSink::kRight);
  CHECK(quits == 1);
  for (const auto& [index, value] : {std::pair<u16, u16>{1, 1024}, {2, 768}, {3, 32}, {4, 0x41}}) {
    vga.write(Vga::kVbeOffset, Width::Word, index);
    vga.write(Vga::kVbeOffset + 1, Width::Word, value);
  }
  for (int i = 0; i < 1000 && vga.changed(); ++i) {
    usleep(5'000);  // not more often than 30 times a second
    (*display)->serve();
  }
  CHECK_FALSE(vga.changed());
}
#endif
