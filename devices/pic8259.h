// SPDX-License-Identifier: MIT
// Two Intel 8259A interrupt controllers, the slave on IR2 of the master, with the edge/level
// control registers of the PIIX (ELCR), which replace ICW1.LTIM.
// Not emulated: MCS-80/85 mode, buffered mode, other cascades than the PC's (ICW3 is ignored).
#pragma once

#include <string>

#include "core/device.h"
#include "core/irq.h"

namespace ring3 {

class Pic8259 final : public Device {
 public:
  // Offsets to map: 0-1 at 20h, 2-3 at A0h, 4-5 at 4D0h.
  static constexpr u32 kMaster = 0, kSlave = 2, kElcr = 4;

  explicit Pic8259(IrqLine intr);

  void set_irq(unsigned irq, bool level);  ///< irq: 0 to 15; 2 is the cascade and ignored
  IrqLine line(unsigned irq);
  bool intr() const { return s_.chip[0].pending() >= 0; }
  /// The interrupt acknowledge cycle: the vector; IR7 of a chip if its request went away.
  u8 acknowledge();

  std::string_view name() const override { return "pic8259"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  Width max_width() const override { return Width::Byte; }
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override { update(); }

 private:
  struct Chip {
    u8 irr = 0, isr = 0, imr = 0;
    u8 lines = 0;        ///< IR inputs
    u8 elcr = 0;         ///< 1: level triggered
    u8 vector_base = 0;  ///< T7-T3 of ICW2
    u8 lowest = 7;       ///< the IR of lowest priority
    u8 init_step = 0;    ///< the ICW that the next write to the odd port is, 0: none
    bool single = false, needs_icw4 = false;
    bool auto_eoi = false, rotate_on_aeoi = false;
    bool special_mask = false, special_fully_nested = false;
    bool read_isr = false, poll = false;

    void set_line(unsigned ir, bool level);
    int highest(u8 requests) const;  ///< by current priority, -1 if none
    int pending() const;             ///< the IR to be served now, -1 if none
    void accept(int ir);             ///< the chip's part of INTA
    u8 take_poll();
    void write_icw1(u8 value);
    void write_odd(u8 value);
    void write_ocw2(u8 value);
    void write_ocw3(u8 value);
    void end_of_interrupt(u8 value);
    void fields(FieldVisitor& v, const std::string& prefix);
  };
  struct State {
    Chip chip[2];
  };

  u8 acknowledge_slave();
  void update();  ///< the cascade wire and INTR from the state

  State s_;
  IrqLine intr_;
};

}  // namespace ring3
