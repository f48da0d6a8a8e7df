// SPDX-License-Identifier: MIT
#include "devices/interrupt_hub.h"

#include <utility>

#include "base/check.h"
#include "devices/pc_layout.h"

namespace ring3 {
InterruptHub::InterruptHub(Drive pic, Drive ioapic)
    : pic_(std::move(pic)), ioapic_(std::move(ioapic)) {}

IrqLine InterruptHub::Wire::new_driver(std::function<void()> changed) {
  RING3_CHECK(drivers < 31, "too many drivers of an interrupt");
  const u32 mask = 1u << drivers++;
  return IrqLine([this, mask, changed = std::move(changed)](bool level) {
    const u32 before = high;
    high = level ? high | mask : high & ~mask;
    if ((before != 0) != (high != 0)) changed();
  });
}

IrqLine InterruptHub::isa(unsigned irq) {
  return isa_[irq].new_driver([this, irq] { update_isa(irq); });
}

IrqLine InterruptHub::pin(unsigned pin) {
  return pins_[pin].new_driver([this, pin] { update_pin(pin); });
}

void InterruptHub::update_isa(unsigned irq) {
  pic_(irq, isa_[irq].high != 0);
  if (irq == layout::kIrqTimer) return update_timer_pin();
  // Pin 2 belongs to IRQ0; the cascade (IRQ2) reaches no pin.
  if (irq != layout::kTimerPin) update_pin(irq);
}

void InterruptHub::update_pin(unsigned pin) {
  if (pin == layout::kTimerPin) return update_timer_pin();
  bool level = pins_[pin].high != 0;
  if (pin < kIsaIrqs && pin != layout::kIrqTimer) level |= isa_[pin].high != 0;
  ioapic_(pin, level);
}

/// The 8254 and the HPET meet at this pin, and each rests at high between its interrupts: a rise
/// of one makes an edge of its own.
void InterruptHub::update_timer_pin() {
  const bool timer = isa_[layout::kIrqTimer].high != 0, direct = pins_[layout::kTimerPin].high != 0;
  const bool rose = (timer && !timer_was_high_) || (direct && !direct_was_high_);
  timer_was_high_ = timer;
  direct_was_high_ = direct;
  if (rose && timer && direct) ioapic_(layout::kTimerPin, false);
  ioapic_(layout::kTimerPin, timer || direct);
}

}  // namespace ring3
