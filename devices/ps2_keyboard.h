// SPDX-License-Identifier: MIT
// An IBM PS/2 (MF-II) keyboard, scan code sets 1, 2 and 3. Keys are named by their set 1 code, with
// E0xxh for the extended ones; the controller's translation is in i8042.
// Not emulated: typematic repeat (the host repeats), the sequence of Pause.
#pragma once

#include "devices/ps2_port.h"

namespace ring3 {

class Ps2Keyboard final : public Ps2Device {
 public:
  Ps2Keyboard();
  /// `key`: set 1 make code, 01h-7Fh or E001h-E07Fh. Dropped while scanning is off.
  void key(u16 key, bool pressed);
  u8 leds() const { return s_.leds; }

  void command(u8 byte) override;
  void reset() override;
  void fields(FieldVisitor& v, const std::string& prefix) override;

 private:
  struct State {
    u8 pending = 0;  ///< the command that waits for its argument, 0: none
    u8 set = 2;
    u8 leds = 0, rate = 0x2B;
    bool scanning = true;
    bool key_list = false;  ///< set 3: the codes that follow get `break_too`
    bool break_too = false;
    std::array<bool, 256> breaks{};  ///< set 3: the key sends a code when it goes up, too
  };
  bool set3_command(u8 byte);
  void argument(u8 byte);
  void defaults();
  void send_key(u8 make, bool extended, bool pressed);

  State s_;
  u32 unknown_sets_ = 0;  ///< rate limit of the log
};

/// The set 3 code of a key named by its set 1 code; 0: it has none.
u8 set3_code(u16 key);

/// The controller's translation of one set 2 byte to set 1.
u8 translate_set2(u8 code);

}  // namespace ring3
