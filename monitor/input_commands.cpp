// SPDX-License-Identifier: MIT
#include "monitor/input_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "monitor/keys.h"

namespace ring3 {
namespace {

constexpr i64 kLongestHold = 60'000;  // ms
constexpr i64 kMostMovement = 10'000;

Json nothing() { return Json::object(); }

const std::string& get(const Arguments& arguments, std::string_view name) {
  static const std::string none;
  const auto it = arguments.find(name);
  return it == arguments.end() ? none : it->second;
}

/// A decimal number within the limits; nothing: `fallback`.
std::optional<i64> number(const std::string& text, i64 least, i64 most, i64 fallback) {
  if (text.empty()) return fallback;
  i64 value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value < least || value > most ? std::nullopt : std::optional(value);
}

/// A member of an object; null if it is none or has none of this name.
const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto it = object.find(name);
  return it == object.end() ? none : *it;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

/// {"type": "qcode", "data": "ctrl"} or {"type": "number", "data": 29}.
Result<u16> key_of(const Json& value) {
  const Json& data = member(value, "data");
  const std::string type = text_of(member(value, "type"));
  u16 key = 0;
  if (type == "qcode") key = key_of_name(text_of(data));
  if (type == "number" && data.is_number_unsigned()) key = key_of_number(data.get<u64>());
  if (!key) return Error{fmt::format("no such key: {}", value.dump())};
  return key;
}

KeyHold& hold_of(Machine& machine) {
  if (!machine.keys)
    machine.keys = std::make_unique<KeyHold>(machine.pc.input(), machine.pc.clock());
  return *machine.keys;
}

Result<Json> press(Machine& machine, const KeyCodes& keys, const std::string& hold) {
  const auto milliseconds = number(hold, 0, kLongestHold, 0);
  if (!milliseconds)
    return Error{fmt::format("a hold time is 0 to {} milliseconds, not {}", kLongestHold, hold)};
  hold_of(machine).press(keys, static_cast<Nanos>(*milliseconds) * 1'000'000);
  return nothing();
}

/// What one call of input-send-event says about the pointer.
struct Pointer {
  explicit Pointer(PcInput& sink) : input(sink), x(sink.x()), y(sink.y()), buttons(sink.buttons()) {}
  PcInput& input;
  u32 x, y;
  i64 dx = 0, dy = 0;
  int wheel = 0;
  u8 buttons;
  bool placed = false, touched = false;

  void deliver() {
    if (!placed && !touched) return;
    if (dx || dy || !input.takes_places())
      input.move(static_cast<int>(dx), static_cast<int>(dy), wheel, buttons);
    else
      input.point(x, y, wheel, buttons);
  }
};

Status add_button(Pointer& pointer, const Json& data) {
  const std::string button = text_of(member(data, "button"));
  const Json& down = member(data, "down");
  const u8 bit = button == "left"     ? u8{PcInput::kLeft}
                 : button == "right"  ? u8{PcInput::kRight}
                 : button == "middle" ? u8{PcInput::kMiddle}
                                      : u8{0};
  const bool wheel = button == "wheel-up" || button == "wheel-down";
  if (!down.is_boolean() || (!bit && !wheel))
    return Error{fmt::format("no such button event: {}", data.dump())};
  pointer.touched = true;
  const bool pressed = down.get<bool>();
  if (wheel && pressed) pointer.wheel += button == "wheel-down" ? 1 : -1;
  pointer.buttons = static_cast<u8>(pressed ? pointer.buttons | bit : pointer.buttons & ~bit);
  return success();
}

Status add_axis(Pointer& pointer, const Json& data, bool absolute) {
  const std::string axis = text_of(member(data, "axis"));
  const Json& value = member(data, "value");
  if (!value.is_number_integer() || (axis != "x" && axis != "y"))
    return Error{fmt::format("no such axis event: {}", data.dump())};
  const i64 amount = value.get<i64>();
  if (absolute) {
    pointer.placed = true;
    (axis == "x" ? pointer.x : pointer.y) =
        static_cast<u32>(std::clamp<i64>(amount, 0, PcInput::kMostAbsolute));
  } else {
    pointer.touched = true;
    i64& sum = axis == "x" ? pointer.dx : pointer.dy;
    sum = std::clamp(sum + std::clamp(amount, -kMostMovement, kMostMovement), -kMostMovement,
                     kMostMovement);
  }
  return success();
}

Status add_key(PcInput& input, const Json& data) {
  const Json& down = member(data, "down");
  const auto key = key_of(member(data, "key"));
  if (!key) return Error{key.error()};
  if (!down.is_boolean()) return Error{"a key event has no 'down'"};
  input.key(*key, down.get<bool>());
  return success();
}

Status add_event(Pointer& pointer, const Json& event) {
  const std::string type = text_of(member(event, "type"));
  const Json& data = member(event, "data");
  if (type == "key") return add_key(pointer.input, data);
  if (type == "btn") return add_button(pointer, data);
  if (type == "rel" || type == "abs") return add_axis(pointer, data, type == "abs");
  return Error{fmt::format("no such event: {}", event.dump())};
}

}  // namespace

Result<Json> sendkey(Machine& machine, const Arguments& arguments) {
  const auto keys = parse_keys(get(arguments, "keys"));
  if (!keys) return Error{"sendkey: " + keys.error()};
  return press(machine, *keys, get(arguments, "hold"));
}

Result<Json> send_key(Machine& machine, const Arguments& arguments) {
  const Json list = Json::parse(get(arguments, "keys"), nullptr, false);
  if (!list.is_array()) return Error{"'keys' is a list of keys"};
  KeyCodes keys;
  for (const Json& value : list) {
    const auto key = key_of(value);
    if (!key) return Error{key.error()};
    keys.push_back(*key);
  }
  return press(machine, keys, get(arguments, "hold-time"));
}

Result<Json> mouse_move(Machine& machine, const Arguments& arguments) {
  const auto dx = number(get(arguments, "dx"), -kMostMovement, kMostMovement, 0),
             dy = number(get(arguments, "dy"), -kMostMovement, kMostMovement, 0),
             dz = number(get(arguments, "dz"), -kMostMovement, kMostMovement, 0);
  if (!dx || !dy || !dz) return Error{"mouse_move: give numbers: mouse_move 10 -5"};
  PcInput& input = machine.pc.input();
  input.move(static_cast<int>(*dx), static_cast<int>(*dy), static_cast<int>(*dz), input.buttons());
  return nothing();
}

/// 1: left, 2: middle, 4: right.
Result<Json> mouse_button(Machine& machine, const Arguments& arguments) {
  const auto state = number(get(arguments, "state"), 0, 7, 0);
  if (!state) return Error{"mouse_button: give a sum of 1 (left), 2 (middle) and 4 (right)"};
  const u8 buttons = static_cast<u8>((*state & 1 ? PcInput::kLeft : 0) |
                                     (*state & 2 ? PcInput::kMiddle : 0) |
                                     (*state & 4 ? PcInput::kRight : 0));
  Pointer pointer(machine.pc.input());
  pointer.buttons = buttons;
  pointer.touched = true;
  pointer.deliver();
  return nothing();
}

Result<Json> input_send_event(Machine& machine, const Arguments& arguments) {
  const Json list = Json::parse(get(arguments, "events"), nullptr, false);
  if (!list.is_array()) return Error{"'events' is a list of events"};
  Pointer pointer(machine.pc.input());
  for (const Json& event : list)
    if (Status added = add_event(pointer, event); !added) return Error{added.error()};
  pointer.deliver();
  return nothing();
}

}  // namespace ring3
