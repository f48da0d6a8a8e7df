// SPDX-License-Identifier: MIT
// An IBM PS/2 (MF-II) keyboard, scan code sets 1 and 2. Keys are named by their set 1 code, with
// E0xxh for the extended ones; the controller's translation is in i8042.
// Not emulated: set 3, typematic repeat (the host repeats), Pause and Print Screen sequences.
#pragma once

#include "devices/ps2_port.h"

namespace ring3 {

class Ps2Keyboard final : public Ps2Device {
 public:
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
  };
  void argument(u8 byte);
  void defaults();
  void send_key(u8 make, bool extended, bool pressed);

  State s_;
  u32 unknown_sets_ = 0;  ///< rate limit of the log
};

/// The controller's translation of one set 2 byte to set 1.
u8 translate_set2(u8 code);

}  // namespace ring3
