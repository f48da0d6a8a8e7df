// SPDX-License-Identifier: MIT
// Seeds of the target `devices`, by kind of chip.
#pragma once

#include "tests/fuzz/target.h"

namespace ring3::fuzz {

void add_disk_seeds(std::vector<Seed>& out);
void add_virtio_seeds(std::vector<Seed>& out);
void add_screen_seeds(std::vector<Seed>& out);
void add_board_seeds(std::vector<Seed>& out);

}  // namespace ring3::fuzz
