// SPDX-License-Identifier: MIT
#include "tools/firmware_options.h"

#include <fmt/format.h>

#include "tools/option_values.h"

namespace ring3 {

namespace {

Status set_letters(std::string& field, std::string_view letters) {
  constexpr std::string_view kDrives = "acdn";
  for (size_t i = 0; i < letters.size(); ++i) {
    if (kDrives.find(letters[i]) == std::string_view::npos)
      return Error{fmt::format("no drive '{}'; there are a, c, d and n", letters[i])};
    if (letters.find(letters[i]) != i)
      return Error{fmt::format("drive '{}' is given twice", letters[i])};
  }
  if (letters.empty()) return Error{"names no drive; give letters of a, c, d and n"};
  field = letters;
  return success();
}

Status set_menu(bool& field, std::string_view value) {
  if (value != "on" && value != "off") return Error{"menu is on or off"};
  field = value == "on";
  return success();
}

}  // namespace

Status parse_boot(std::string_view text, BootOptions& boot) {
  if (text.find('=') == std::string_view::npos) return set_letters(boot.order, text);
  return parse_properties(text, [&](std::string_view key, std::string_view value) -> Status {
    if (key == "order") return set_letters(boot.order, value);
    if (key == "once") return set_letters(boot.once, value);
    if (key == "menu") return set_menu(boot.menu, value);
    return Error{fmt::format("no property '{}'; there are order, once and menu", key)};
  });
}

Result<FwCfgOption> parse_fw_cfg(std::string_view text) {
  constexpr size_t kLongestName = 55;
  FwCfgOption item;
  bool first = true;
  const Status status =
      parse_properties(text, [&](std::string_view key, std::string_view value) -> Status {
        const bool bare = first && value.empty() && key.find('=') == std::string_view::npos;
        first = false;
        if (bare || key == "name") {
          item.name = bare ? key : value;
        } else if (key == "string") {
          item.text = value;
        } else if (key == "file") {
          item.path = value;
        } else {
          return Error{fmt::format("no property '{}'; there are name, string and file", key)};
        }
        return success();
      });
  if (!status) return Error{status.error()};
  if (item.name.empty() || item.name.size() > kLongestName)
    return Error{
        fmt::format("the name has 1 to {} characters, as in opt/org.example/x", kLongestName)};
  if (item.text.empty() == item.path.empty()) return Error{"give either string=TEXT or file=PATH"};
  return item;
}

}  // namespace ring3
