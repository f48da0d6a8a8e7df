// SPDX-License-Identifier: MIT
// Keys by QEMU's names ("sendkey", QMP's QKeyCode) and what presses them.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/event_clock.h"
#include "devices/pc_input.h"

namespace ring3 {

/// Set 1 codes of keys.
using KeyCodes = std::vector<u16>;

/// "ctrl", "a", "ret"; as for PcInput::key. 0: there is no such key.
u16 key_of_name(std::string_view name);
/// "ctrl-alt-delete", "0x1d-a".
Result<KeyCodes> parse_keys(std::string_view keys);
/// QEMU's number of a key: its set 1 code, 80h added for the extended ones.
u16 key_of_number(u64 number);

/// Presses keys in order and releases them in the other one, at once or later.
class KeyHold {
 public:
  KeyHold(PcInput& input, EventClock& clock)
      : input_(input), release_(clock, [this] { release(); }) {}

  /// `hold`: how long they stay down. Those that are still held go up before.
  void press(const KeyCodes& keys, Nanos hold);

 private:
  void release();

  PcInput& input_;
  KeyCodes down_;
  Event release_;
};

}  // namespace ring3
