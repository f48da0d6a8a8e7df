// SPDX-License-Identifier: MIT
// The keyboard and the pointer of the board: where what people do at a display goes.
#pragma once

#include "devices/pc.h"
#include "display/input_sink.h"

namespace ring3 {

class BoardInput final : public InputSink {
 public:
  explicit BoardInput(Pc& board) : input_(board.input()) {}
  void key(u16 code, bool pressed) override { input_.key(code, pressed); }
  /// Absolute if the guest takes that, else the way since the last place.
  void pointer(int x, int y, int width, int height, u8 buttons, int wheel) override;

 private:
  PcInput& input_;
  int x_ = 0, y_ = 0;
};

}  // namespace ring3
