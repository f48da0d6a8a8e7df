// SPDX-License-Identifier: MIT
// A PS/2 mouse with three buttons; with a wheel (type 03h) and five buttons (type 04h) after
// Microsoft's knocks of sample rates. Reports are made as the guest takes them, at any rate.
// Not emulated: the sample rate's limit.
#pragma once

#include "devices/ps2_port.h"

namespace ring3 {

class Ps2Mouse final : public Ps2Device {
 public:
  enum Button : u8 { kLeft = 1, kRight = 2, kMiddle = 4 };
  /// Movement in counts, right and down positive, the wheel's notches towards the user positive,
  /// and the buttons that are down. Dropped while reporting is off.
  void move(int dx, int dy, int dz, u8 buttons);
  /// Sends a report if there is something to say and room for it.
  void report_if_due();
  /// Sends a report without news, so that the guest looks at its absolute pointer.
  void nudge();
  bool reporting() const { return s_.reporting; }

  void command(u8 byte) override;
  void reset() override;
  void fields(FieldVisitor& v, const std::string& prefix) override;

 private:
  struct State {
    u8 pending = 0;  ///< the command that waits for its argument, 0: none
    u8 rate = 100, resolution = 2;
    bool reporting = false, remote = false, scaling = false, wrap = false;
    u8 type = 0;                ///< 0, 3 or 4
    std::array<u8, 3> knock{};  ///< the last sample rates, newest last
    u8 buttons = 0, told = 0;   ///< told: the buttons of the last report
    u8 reserved[3] = {};
    i32 dx = 0, dy = 0, dz = 0;  ///< not yet reported
  };
  void argument(u8 byte);
  bool setting(u8 byte);  ///< commands that only change a setting; false if `byte` is none
  u8 status() const;
  void note_rate(u8 rate);
  void push_report(bool acknowledged);

  State s_;
};

}  // namespace ring3
