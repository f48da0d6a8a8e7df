// SPDX-License-Identifier: MIT
// In place of curses_display.cpp where ncurses is missing.
#include "display/curses_display.h"

namespace ring3 {

Result<std::unique_ptr<HostService>> open_curses(Vga&, InputSink&, std::function<void()>) {
  return Error{"this ring3 was built without curses; install libncurses-dev and build again"};
}

}  // namespace ring3
