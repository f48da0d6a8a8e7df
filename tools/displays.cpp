// SPDX-License-Identifier: MIT
#include "tools/displays.h"

#include <fmt/format.h>

#include "display/curses_display.h"
#include "display/sdl_display.h"
#include "display/vnc_server.h"

namespace ring3 {
namespace {

using Opened = Result<std::unique_ptr<HostService>>;

Opened named(const std::string& value, Opened opened) {
  if (opened) return opened;
  return Error{fmt::format("-display {}: {}", value, opened.error())};
}

}  // namespace

Result<std::unique_ptr<HostService>> open_display(Pc& board, BoardInput& input,
                                                  const Options& options) {
  if (!options.shows_display()) return std::unique_ptr<HostService>();
  const std::string& address = options.display.address;
  const auto quit = [&board] { board.leave(0); };
  switch (options.display.kind) {
    case DisplayOption::Kind::Vnc:
      return named(fmt::format("vnc={}", address), open_vnc(*board.vga(), input, address));
    case DisplayOption::Kind::Curses:
      return named("curses", open_curses(*board.vga(), input, quit));
    default:
      return named("sdl", open_sdl(*board.vga(), input, quit));
  }
}

}  // namespace ring3
