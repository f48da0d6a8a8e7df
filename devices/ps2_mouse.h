// SPDX-License-Identifier: MIT
// A three-button PS/2 mouse that answers every command and lies still.
// Not emulated: movement and button reports, the wheel protocols (it identifies as type 00h).
#pragma once

#include "devices/ps2_port.h"

namespace ring3 {

class Ps2Mouse final : public Ps2Device {
 public:
  void command(u8 byte) override;
  void reset() override;
  void fields(FieldVisitor& v, const std::string& prefix) override;

 private:
  struct State {
    u8 pending = 0;  ///< the command that waits for its argument, 0: none
    u8 rate = 100, resolution = 2;
    bool reporting = false, remote = false, scaling = false, wrap = false;
  };
  void argument(u8 byte);
  bool setting(u8 byte);  ///< commands that only change a setting; false if `byte` is none
  u8 status() const;

  State s_;
};

}  // namespace ring3
