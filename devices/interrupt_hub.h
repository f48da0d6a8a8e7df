// SPDX-License-Identifier: MIT
// The board's interrupt wires: each is the OR of those who drive it. An ISA interrupt reaches the
// 8259 pair and the I/O APIC, where IRQ0 is pin 2; other lines reach an I/O APIC pin only.
// Pin 2 passes the edges of both its sources, IRQ0 and the HPET.
#pragma once

#include <array>
#include <functional>

#include "core/irq.h"

namespace ring3 {

class InterruptHub {
 public:
  using Drive = std::function<void(unsigned line, bool level)>;
  static constexpr unsigned kIsaIrqs = 16, kPins = 24;

  InterruptHub(Drive pic, Drive ioapic);

  IrqLine isa(unsigned irq);  ///< a new driver of an ISA interrupt, at most 31 each
  IrqLine pin(unsigned pin);  ///< a new driver of an I/O APIC pin alone

 private:
  struct Wire {
    u32 drivers = 0;  ///< handed out
    u32 high = 0;     ///< those that drive it now
    IrqLine new_driver(std::function<void()> changed);
  };
  void update_isa(unsigned irq);
  void update_pin(unsigned pin);
  void update_timer_pin();

  Drive pic_, ioapic_;
  std::array<Wire, kIsaIrqs> isa_;
  std::array<Wire, kPins> pins_;
  bool timer_was_high_ = false, direct_was_high_ = false;  ///< what update_timer_pin() saw last
};

}  // namespace ring3
