// SPDX-License-Identifier: MIT
#include "tools/display_options.h"

#include <fmt/format.h>

#include "tools/option_values.h"

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

Result<bool> parse_input_device(std::string_view name, std::string_view properties,
                                InputConfig& config) {
  bool* device = name == "virtio-keyboard-pci" ? &config.keyboard
                 : name == "virtio-mouse-pci"  ? &config.mouse
                 : name == "virtio-tablet-pci" ? &config.tablet
                                               : nullptr;
  if (!device) return false;
  if (*device) return Error{"there is one already"};
  *device = true;
  const Status known =
      parse_properties(properties, [](std::string_view key, std::string_view) -> Status {
        if (key == "id") return success();
        return Error{fmt::format("no property '{}'; there is id", key)};
      });
  return known ? Result<bool>(true) : Error{known.error()};
}

}  // namespace ring3
