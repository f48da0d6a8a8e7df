// SPDX-License-Identifier: MIT
// Intel 82093AA I/O APIC with 24 pins, version 20h: with the EOI register of later chips.
// Not emulated: pin polarity (lines carry "asserted"), delivery status (messages take no time).
#pragma once

#include <array>

#include "core/irq.h"
#include "devices/apic_bus.h"
#include "devices/mmio_device.h"

namespace ring3 {

class IoApic final : public MmioDevice {
 public:
  static constexpr u64 kDefaultBase = 0xFEC0'0000;
  static constexpr u64 kWindow = 0x1000;
  static constexpr unsigned kPins = 24;

  explicit IoApic(ApicBus& bus);

  /// The board wires ISA interrupt 0 to pin 2 and the others to the pin of their number.
  void set_pin(unsigned pin, bool level);
  IrqLine line(unsigned pin);

  std::string_view name() const override { return "ioapic"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;

 private:
  struct State {
    u8 select = 0;
    u8 id = 0;
    u32 lines = 0;
    std::array<u64, kPins> redirection{};
  };

  u32 read_register(u8 index) const;
  void write_register(u8 index, u32 value);
  void write_redirection(u8 index, u32 value);
  bool send(u64 entry);
  void serve_level(unsigned pin);
  void end_of_interrupt(u8 vector);

  State s_;
  ApicBus& bus_;
};

}  // namespace ring3
