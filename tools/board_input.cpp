// SPDX-License-Identifier: MIT
#include "tools/board_input.h"

#include <algorithm>
#include <utility>

namespace ring3 {

void BoardInput::pointer(int x, int y, int width, int height, u8 buttons, int wheel) {
  const u8 mapped = static_cast<u8>((buttons & kLeft ? PcInput::kLeft : 0) |
                                    (buttons & kRight ? PcInput::kRight : 0) |
                                    (buttons & kMiddle ? PcInput::kMiddle : 0));
  const int dx = x - std::exchange(x_, x), dy = y - std::exchange(y_, y);
  if (!input_.takes_places()) return input_.move(dx, dy, wheel, mapped);
  const auto scaled = [](int at, int size) {
    return static_cast<u32>(std::clamp(at, 0, size - 1)) * PcInput::kMostAbsolute /
           static_cast<u32>(std::max(size - 1, 1));
  };
  input_.point(scaled(x, width), scaled(y, height), wheel, mapped);
}

}  // namespace ring3
