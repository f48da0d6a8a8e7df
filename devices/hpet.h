// SPDX-License-Identifier: MIT
// IA-PC HPET 1.0a with three timers, each periodic capable and 64 bits wide, and a 64-bit counter
// of 100 MHz. It sits between the PIT, the RTC and the interrupt controllers: with legacy
// replacement on, timers 0 and 1 take the places of IRQ0 and IRQ8.
// Not emulated: FSB (message) interrupts, which it does not offer.
#pragma once

#include <functional>
#include <string>

#include "core/event_clock.h"
#include "core/irq.h"
#include "devices/mmio_device.h"

namespace ring3 {

class Hpet final : public MmioDevice {
 public:
  static constexpr u64 kDefaultBase = 0xFED0'0000;
  static constexpr u64 kWindow = 0x400;
  static constexpr u32 kTimers = 3;
  static constexpr u64 kPeriodFs = 10'000'000;
  static constexpr Nanos kTickNanos = kPeriodFs / 1'000'000;

  /// `route`: drives global interrupt `gsi`: 0 and 8 in legacy places (IRQ0 is I/O APIC pin 2),
  /// else an I/O APIC pin out of `route_caps`. An edge is a fall and a rise; the line stays up.
  Hpet(EventClock& clock, std::function<void(unsigned gsi, bool level)> route, u32 route_caps = 4);
  ~Hpet() override;

  IrqLine pit_input();  ///< IRQ0 of the 8254, passed on outside legacy replacement
  IrqLine rtc_input();  ///< IRQ8 of the RTC, likewise

  std::string_view name() const override { return "hpet"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  void mmio_write(u64 offset, unsigned size, u64 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override;

 private:
  struct Timer {
    u64 config = 0;
    u64 comparator = ~u64{0};
    u64 period = 0;
    u64 looked_at = ~u64{0};  ///< matches up to and with this counter value are done
    bool line = false;        ///< the level that it drives
    u64 distance() const;
  };
  struct State {
    u64 config = 0, status = 0;
    u64 counter = 0;  ///< while halted: the counter; while it runs: counter - ticks now
    bool pit = false, rtc = false;
    Timer timer[kTimers];
  };

  bool running() const { return s_.config & 1; }
  bool legacy() const { return s_.config & 2; }
  u64 counter();
  u64 read_register(u32 reg);
  void write_register(u32 reg, u64 value, u64 mask);
  void write_timer(u32 index, u32 reg, u64 value, u64 mask);
  void write_config(u64 value);
  void write_timer_config(u32 index, u64 value);
  void write_comparator(Timer& t, u64 value, u64 mask);
  void arm(u32 index);
  void expire(u32 index);
  bool match(Timer& t, u64 now);
  unsigned gsi_of(u32 index) const;
  void drive(u32 index, bool level);
  void update_line(u32 index);
  void update_inputs();

  State s_;
  EventClock& clock_;
  std::function<void(unsigned, bool)> route_;
  u32 route_caps_;
  Event event_[kTimers];
};

}  // namespace ring3
