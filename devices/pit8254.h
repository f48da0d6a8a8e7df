// SPDX-License-Identifier: MIT
// Intel 8254 interval timer, with the PC's port 61h (NMI status and control) around it: gate and
// output of channel 2, speaker, refresh toggle. Everything is computed from the event clock by
// absolute tick number; only a rise of OUT0 needs an event.
// Not emulated: sound, memory parity and I/O channel check, a retrigger's half-clock details.
#pragma once

#include <string>

#include "core/device.h"
#include "core/event_clock.h"
#include "core/irq.h"

namespace ring3 {

class Pit8254 final : public Device {
 public:
  static constexpr u64 kHz = 1'193'182;
  // Offsets to map: 0-3 at 40h, 4 at 61h.
  static constexpr u32 kPort61 = 4;

  Pit8254(EventClock& clock, IrqLine irq0);

  bool out(unsigned channel);  ///< the OUT pin now
  bool speaker();              ///< what the speaker hears now: OUT2 and port 61h bit 1

  std::string_view name() const override { return "pit8254"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  Width max_width() const override { return Width::Byte; }
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override;

 private:
  using Tick = i64;
  static constexpr Tick kNoTick = INT64_MAX;

  struct Channel {
    u8 mode = 3, access = 3;  ///< access: 1 low byte, 2 high byte, 3 both
    bool bcd = false;
    bool gate = true;
    bool loaded = false;     ///< a count was written since the control word
    bool triggered = false;  ///< modes 1 and 5: a gate edge started it
    bool paused = false;     ///< by the gate: modes 0, 2, 3, 4
    bool has_next = false;   ///< a count waits in the count register
    u32 count = 0x10000, next_count = 0;
    Tick start = 0;    ///< when the counting element was loaded
    Tick held = 0;     ///< ticks elapsed since, while paused
    Tick next_at = 0;  ///< modes 2 and 3: when next_count will be loaded
    u8 low_byte = 0;
    bool write_high = false, read_high = false;
    u16 latch = 0;
    u8 latch_bytes = 0;  ///< still to be read
    u8 status = 0;
    bool status_latched = false;

    bool running() const { return loaded && !paused && (triggered || (mode != 1 && mode != 5)); }
    Tick elapsed(Tick now) const { return paused ? held : now - start; }
    bool null_count(Tick now) const { return !loaded || has_next || elapsed(now) < 0; }
    Tick high_ticks() const { return (Tick{count} + 1) / 2; }
    bool out(Tick now) const;
    u16 value(Tick now) const;
    Tick next_rise(Tick now) const;
    Tick next_event(Tick now) const;

    void settle(Tick now);
    void load(u32 n, Tick now);
    void load_next(Tick now);
    void set_gate(bool level, Tick now);
    void write_control(u8 control);
    void write_count(u32 n, Tick now);
    void write_byte(u8 byte, Tick now);
    void latch_count(Tick now);
    void latch_status(Tick now);
    u8 read_byte(Tick now);
    void fields(FieldVisitor& v, const std::string& prefix);
  };
  struct State {
    Channel channel[3];
    Tick synced = 0;  ///< IRQ0 is driven up to here
    u8 port61 = 0;    ///< the writable bits
  };

  Tick tick() { return static_cast<Tick>(ticks_now()); }
  u64 ticks_now();
  void sync();
  void read_back(u8 command, Tick now);
  u8 read_port61(Tick now);

  State s_;
  EventClock& clock_;
  IrqLine irq0_;
  Event event_;
};

}  // namespace ring3
