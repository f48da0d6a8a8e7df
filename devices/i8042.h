// SPDX-License-Identifier: MIT
// Intel 8042 keyboard controller with the PS/2 auxiliary port, as IBM programmed it, and the PC's
// port 92h beside it: keyboard, mouse, A20 gate, reset line.
// Not emulated: keyboard password, test inputs, line timeouts (bytes travel in no time).
#pragma once

#include <functional>

#include "core/device.h"
#include "core/irq.h"
#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"

namespace ring3 {

class I8042 final : public Device {
 public:
  // Offsets to map: 0 at 60h, 4 at 64h, 32h at 92h.
  static constexpr u32 kData = 0, kCommand = 4, kPort92 = 0x32;

  struct Pins {
    IrqLine irq1, irq12;
    std::function<void(bool)> a20;        ///< called at a change, and at reset with true
    std::function<void()> reset_machine;  ///< the reset line was pulsed
  };
  I8042(EventClock& clock, Pins pins);

  /// A key of the host: see Ps2Keyboard::key.
  void key(u16 key, bool pressed);
  /// The mouse: see Ps2Mouse::move.
  void mouse(int dx, int dy, int dz, u8 buttons);
  void nudge_mouse();  ///< Ps2Mouse::nudge
  u8 leds() const { return keyboard_.leds(); }
  /// What a BIOS leaves behind: keyboard on, translated to set 1, with its interrupt; no mouse.
  void set_up_as_firmware();

  std::string_view name() const override { return "i8042"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  Width max_width() const override { return Width::Byte; }
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override;

 private:
  enum class Source : u8 { None, Controller, Keyboard, Mouse };
  struct State {
    u8 ram[32] = {};               ///< byte 0: the command byte
    u8 pending = 0;                ///< the controller command that waits for its data, 0: none
    u8 output = 0;                 ///< output buffer
    Source source = Source::None;  ///< who filled it
    bool aux_data = false;         ///< it counts as the mouse's
    u8 reply = 0;
    bool reply_waits = false, reply_aux = false;
    bool last_was_command = false;
    bool a20 = true;
    bool break_prefix = false;  ///< translation swallowed an F0h
  };

  u8 status() const;
  u8 output_port() const;
  u8 read_data();
  void write_data(u8 value);
  void write_command(u8 value);
  void write_output_port(u8 value);
  void write_port92(u8 value);
  void pulse_lines(u8 command);
  void reply(u8 value, bool aux = false);
  void set_a20(bool on);
  void update();  ///< fills the output buffer if it is empty, drives the interrupts

  State s_;
  Pins pins_;
  Ps2Keyboard keyboard_;
  Ps2Mouse mouse_;
  u32 unknown_commands_ = 0;
};

}  // namespace ring3
