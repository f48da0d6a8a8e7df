// SPDX-License-Identifier: MIT
// In place of sdl_display.cpp where SDL 2 is missing.
#include "display/sdl_display.h"

namespace ring3 {

Result<std::unique_ptr<HostService>> open_sdl(Vga&, InputSink&, std::function<void()>) {
  return Error{"this ring3 was built without SDL; install libsdl2-dev and build again"};
}

}  // namespace ring3
