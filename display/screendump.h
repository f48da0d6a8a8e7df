// SPDX-License-Identifier: MIT
// The screen of this moment as a picture, for `screendump` commands and tests.
#pragma once

#include <string>

#include "base/result.h"
#include "devices/vga.h"
#include "display/picture.h"

namespace ring3 {

/// What a monitor would show now. Does not disturb a display that follows the same VGA.
Picture take_picture(Vga& vga);
/// The same into a file: see save_picture. An error is "PATH: reason".
Status save_screen(Vga& vga, const std::string& path, const std::string& format = "");

}  // namespace ring3
