// SPDX-License-Identifier: MIT
// Motorola MC146818 real-time clock with 128 bytes of CMOS RAM, as in the PIIX: index at port 70h
// with the NMI mask in bit 7, data at port 71h, century in byte 32h.
// Not emulated: daylight saving (DSE), the square wave pin, time bases other than 32.768 kHz, the
// second bank at ports 72h and 73h.
#pragma once

#include <array>

#include "core/device.h"
#include "core/event_clock.h"
#include "core/irq.h"

namespace ring3 {

class Rtc146818 final : public Device {
 public:
  // Offsets to map: 0-1 at 70h.
  /// `start`: what the clock shows at power-on, in seconds since 1970 of the guest's civil time.
  Rtc146818(EventClock& clock, IrqLine irq8, i64 start);

  bool nmi_masked() const { return s_.index & 0x80; }
  /// For the board: memory sizes, boot order and the like. The registers 0-Dh are out of reach.
  void set_cmos(u8 index, u8 value);
  u8 cmos(u8 index) const { return s_.cmos[index & 0x7F]; }

  std::string_view name() const override { return "rtc146818"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  Width max_width() const override { return Width::Byte; }
  void reset() override;  ///< time, alarm and RAM are kept by the battery
  void fields(FieldVisitor& v) override;
  void restored() override;

 private:
  struct State {
    std::array<u8, 128> cmos{};
    u8 index = 0;
    i64 divider_start = 0;  ///< when the divider chain was let go, in ns
    Nanos next_update = 0;  ///< the end of the next update cycle
    u64 periodic_seen = 0;  ///< periods that have passed into PF
  };

  u8& a() { return s_.cmos[0x0A]; }
  u8& b() { return s_.cmos[0x0B]; }
  u8& c() { return s_.cmos[0x0C]; }
  bool divider_runs() { return (a() & 0x60) != 0x60 && (a() & 0x70) <= 0x20; }
  u64 periods();  ///< that the periodic rate has had until now
  void set_time(i64 seconds);
  void catch_up();
  void count_second();
  bool alarm_matches() const;
  u8 decode(u8 value) const;
  u8 encode(u8 value) const;
  u8 hour() const;
  void set_hour(u8 hour);
  u8 read_register(u8 index);
  void write_register(u8 index, u8 value);
  void write_a(u8 value);
  void write_b(u8 value);
  void update_irq();
  void schedule();

  State s_;
  EventClock& clock_;
  IrqLine irq8_;
  Event event_;
  u32 logged_ = 0;
};

}  // namespace ring3
