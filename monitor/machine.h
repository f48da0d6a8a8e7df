// SPDX-License-Identifier: MIT
// What monitors and debuggers act on: the board, and what the tool that built it knows beside.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "devices/pc.h"
#include "monitor/keys.h"

namespace ring3 {

struct Machine {
  Pc& pc;
  std::string name;    ///< -name
  std::string engine;  ///< interp or jit
  // Hooks; an empty one: this machine has none.
  /// `format`: png or ppm; empty: by the name.
  std::function<Status(const std::string& path, const std::string& format)> screendump;
  std::function<std::string()> block_info;  ///< info block
  std::function<std::string()> stats;       ///< info stats
  bool reset_asked = false, quit_asked = false;  ///< by a command, not by the guest
  std::unique_ptr<KeyHold> keys = nullptr;       ///< once keys were sent
};

}  // namespace ring3
