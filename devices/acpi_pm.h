// SPDX-License-Identifier: MIT
// ACPI fixed hardware as in the PIIX4: PM1a event and control blocks, the 24-bit power management
// timer, general-purpose events, and the SMI command port through which ACPI mode is switched.
// Not emulated: SMIs (commands other than ACPI enable and disable do nothing, GBL_RLS neither),
// sleep states S1 to S3, bus-master status, RTC wake, processor control (C states, throttling).
#pragma once

#include <functional>

#include "core/device.h"
#include "core/event_clock.h"
#include "core/irq.h"

namespace ring3 {

class AcpiPm final : public Device {
 public:
  static constexpr u64 kTimerHz = 3'579'545;
  // Offsets to map: 0 the PM block (64 ports, at 600h), kGpe (4, at AFE0h), kSmi (2, at B2h).
  static constexpr u32 kPm = 0x00, kGpe = 0x40, kSmi = 0x50;
  // For the FADT and the DSDT.
  static constexpr u8 kAcpiEnable = 0xF1, kAcpiDisable = 0xF0;
  static constexpr u8 kSlpTypS5 = 0, kSlpTypS4 = 2;

  AcpiPm(EventClock& clock, IrqLine sci, std::function<void()> power_off);

  void press_power_button();
  void raise_gpe(unsigned number);      ///< 0 to 15: sets the status bit
  void set_acpi_enabled(bool enabled);  ///< SCI_EN, for loaders that skip firmware
  bool sci() const;

  std::string_view name() const override { return "acpi_pm"; }
  u32 read(u32 offset, Width) override;
  void write(u32 offset, Width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;
  void restored() override { update(); }

 private:
  struct State {
    u16 status = 0, enable = 0, control = 0;  ///< PM1_STS, PM1_EN, PM1_CNT
    u16 gpe_status = 0, gpe_enable = 0;
    u8 smi_command = 0, smi_status = 0;  ///< APMC, APMS
    u64 next_carry = 0;                  ///< timer tick at which bit 23 turns over next
  };

  u64 timer();
  void catch_up();  ///< TMR_STS from time
  void update();    ///< SCI and the timer event
  u8 read_byte(u32 offset, u32 timer) const;
  void write_byte(u32 offset, u8 value);
  void write_control_high(u8 value);
  void write_smi_command(u8 value);

  State s_;
  EventClock& clock_;
  IrqLine sci_;
  std::function<void()> power_off_;
  Event event_;
  u32 logged_ = 0;
};

}  // namespace ring3
