// SPDX-License-Identifier: MIT
#include "tools/board_input.h"

#include <algorithm>
#include <utility>

namespace ring3 {

void BoardInput::pointer(int x, int y, int width, int height, u8 buttons, int wheel) {
  const u8 mapped = static_cast<u8>((buttons & kLeft ? Ps2Mouse::kLeft : 0) |
                                    (buttons & kRight ? Ps2Mouse::kRight : 0) |
                                    (buttons & kMiddle ? Ps2Mouse::kMiddle : 0));
  const int dx = x - std::exchange(x_, x), dy = y - std::exchange(y_, y);
  if (!board_.vmmouse().enabled()) return board_.keyboard().mouse(dx, dy, wheel, mapped);
  const auto scaled = [](int at, int size) {
    return static_cast<u32>(std::clamp(at, 0, size - 1)) * 0xFFFFu /
           static_cast<u32>(std::max(size - 1, 1));
  };
  board_.vmmouse().move(scaled(x, width), scaled(y, height), mapped, wheel);
}

}  // namespace ring3
