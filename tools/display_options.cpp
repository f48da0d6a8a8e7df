// SPDX-License-Identifier: MIT
#include "tools/display_options.h"

namespace ring3 {

Result<DisplayOption> parse_display(std::string_view text) {
  using Kind = DisplayOption::Kind;
  if (text == "none") return DisplayOption{};
  if (text == "curses") return DisplayOption{Kind::Curses, ""};
  if (text == "sdl") return DisplayOption{Kind::Sdl, ""};
  if (text.starts_with("vnc=") && text.size() > 4)
    return DisplayOption{Kind::Vnc, std::string(text.substr(4))};
  return Error{"no such display; there are none, sdl, curses and vnc=[HOST]:N"};
}

}  // namespace ring3
