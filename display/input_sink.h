// SPDX-License-Identifier: MIT
// What people do at a display: keys by their set 1 code (E0xxh for the extended ones), and a
// pointer at an absolute place with its buttons.
#pragma once

#include "base/types.h"

namespace ring3 {

class InputSink {
 public:
  enum Button : u8 { kLeft = 1, kMiddle = 2, kRight = 4 };
  virtual ~InputSink() = default;
  virtual void key(u16 code, bool pressed) = 0;
  /// `x` of `width`, `y` of `height`; `wheel`: notches since the last call, up is negative.
  virtual void pointer(int x, int y, int width, int height, u8 buttons, int wheel) = 0;
};

}  // namespace ring3
