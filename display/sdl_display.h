// SPDX-License-Identifier: MIT
// The guest's screen in a window, by SDL 2. Closing the window quits.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "devices/vga.h"
#include "display/input_sink.h"
#include "host/service.h"

namespace ring3 {

Result<std::unique_ptr<HostService>> open_sdl(Vga& vga, InputSink& input,
                                              std::function<void()> quit);

}  // namespace ring3
