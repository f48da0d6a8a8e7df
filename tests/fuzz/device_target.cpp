// SPDX-License-Identifier: MIT
// The target `devices`: the whole board under programs of accesses, DMA structures, time and input.
#include "tests/fuzz/player.h"
#include "tests/fuzz/target.h"

namespace ring3::fuzz {

void run_input(std::span<const u8> input, Start start) {
  static Board board;
  start == Start::Fresh ? board.renew() : board.reset();
  Player(board, input).play();
}

}  // namespace ring3::fuzz
