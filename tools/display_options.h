// SPDX-License-Identifier: MIT
// Where the screen is shown, and what a person types and points with: the values of -display, -vnc
// and of -device virtio-keyboard-pci and its like (QEMU 7.2 "Invocation").
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "devices/input_config.h"

namespace ring3 {

struct DisplayOption {
  enum class Kind : u8 { None, Vnc, Curses, Sdl } kind = Kind::None;
  std::string address;  ///< of Vnc: [HOST]:N
  bool operator==(const DisplayOption&) const = default;
};

/// "none", "sdl", "curses", "vnc=:1".
Result<DisplayOption> parse_display(std::string_view text);

/// "virtio-tablet-pci" and its properties; false: it is no input device.
Result<bool> parse_input_device(std::string_view name, std::string_view properties,
                                InputConfig& config);

}  // namespace ring3
