// SPDX-License-Identifier: MIT
// Where the screen is shown: the values of -display and -vnc (QEMU 7.2 "Invocation").
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

struct DisplayOption {
  enum class Kind : u8 { None, Vnc, Curses, Sdl } kind = Kind::None;
  std::string address;  ///< of Vnc: [HOST]:N
  bool operator==(const DisplayOption&) const = default;
};

/// "none", "sdl", "curses", "vnc=:1".
Result<DisplayOption> parse_display(std::string_view text);

}  // namespace ring3
