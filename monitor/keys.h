// SPDX-License-Identifier: MIT
// Keys by QEMU's names ("sendkey"), pressed on the 8042's keyboard.
#pragma once

#include <string_view>

#include "base/result.h"
#include "devices/i8042.h"

namespace ring3 {

/// "ctrl-alt-delete": presses them in this order and releases them in the other one.
Status press_keys(I8042& keyboard, std::string_view keys);

}  // namespace ring3
