// SPDX-License-Identifier: MIT
// The south bridge of the "pc" board: PIIX3 ISA bridge with the routing of PCI interrupts to ISA
// ones, its IDE function, and the PIIX4 power management function, which places the ACPI registers.
// Not emulated: DMA and bus timing registers, traps, SMI, SMBus (their registers are storage).
#pragma once

#include <functional>
#include <optional>

#include "devices/pci.h"

namespace ring3 {

/// Intel 82371SB, function 0.
class Piix3Isa final : public PciDevice {
 public:
  /// `isa_irq(irq, level)` drives an ISA interrupt for the PCI pins that are routed to it.
  explicit Piix3Isa(std::function<void(unsigned, bool)> isa_irq);

  /// A device's INTA-INTD (pin 0-3). Slots rotate the pins over PIRQA-PIRQD, as on QEMU's board.
  void set_pin(unsigned slot, unsigned pin, bool level);
  void set_pirq_route(unsigned pirq, u8 isa_irq);  ///< as a BIOS does; 80h: not routed

 private:
  void config_changed(u8 first, u8 last) override;
  void update();

  std::function<void(unsigned, bool)> isa_irq_;
  std::array<u32, 4> slots_{};  ///< per PIRQ: the slots that drive it
  u16 driven_ = 0;              ///< the ISA lines that are high through us
};

/// Intel 82371AB, function 3. Power management I/O is at PMBA, if it is enabled.
class Piix4Pm final : public PciDevice {
 public:
  /// `moved(base)`: the ACPI register block answers there; nullopt: nowhere.
  explicit Piix4Pm(std::function<void(std::optional<u16>)> moved);
  void enable_at(u16 base);  ///< as a BIOS does

 private:
  void config_changed(u8 first, u8 last) override;

  std::function<void(std::optional<u16>)> moved_;
  std::optional<u16> base_;
};

/// Intel 82371SB, function 1: two IDE channels at their compatible ports; BAR 4 places the bus
/// master's registers. The timing registers are storage.
class Piix3Ide final : public PciDevice {
 public:
  /// `moved(base)`: the bus master's registers answer there; nullopt: nowhere.
  /// `bus_master(enabled)`: whether they may reach memory.
  Piix3Ide(std::function<void(std::optional<u16>)> moved, std::function<void(bool)> bus_master);
  void enable_channels();  ///< as a BIOS does

 private:
  void config_changed(u8 first, u8 last) override;

  std::function<void(std::optional<u16>)> moved_;
  std::function<void(bool)> bus_master_changed_;
  std::optional<u16> base_;
};

}  // namespace ring3
