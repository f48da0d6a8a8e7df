// SPDX-License-Identifier: MIT
// Text modes in this terminal, by ncurses: characters, colours, keys. Of graphics modes only the
// size is shown. Ctrl-A X quits.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "devices/vga.h"
#include "display/input_sink.h"
#include "host/service.h"

namespace ring3 {

/// Takes standard input and output over, until it is destroyed.
Result<std::unique_ptr<HostService>> open_curses(Vga& vga, InputSink& input,
                                                 std::function<void()> quit);

}  // namespace ring3
