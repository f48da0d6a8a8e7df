// SPDX-License-Identifier: MIT
// What a fuzz target is to its drivers: libFuzzer's (fuzzer_main.cpp) and the one that replays
// (replay_main.cpp).
#pragma once

#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"

namespace ring3::fuzz {

struct Seed {
  std::string name;
  std::vector<u8> bytes;
};

/// Fresh: nothing is left of earlier inputs. Reset: where that is much cheaper, only nearly so.
enum class Start : u8 { Fresh, Reset };
/// Plays one input; crashes, or aborts, if ring3 is wrong.
void run_input(std::span<const u8> input, Start start);
/// Short inputs that reach the parts of what is tested.
std::vector<Seed> seeds();
/// Changes an input a little. `other`: a second one to take parts from; may be empty.
void mutate(std::vector<u8>& input, std::span<const u8> other, size_t longest,
            std::minstd_rand& random);

}  // namespace ring3::fuzz
