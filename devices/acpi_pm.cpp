// SPDX-License-Identifier: MIT
#include "devices/acpi_pm.h"

#include "base/log.h"
#include "devices/ticks.h"

namespace ring3 {
namespace {

// ACPI 6.5 "PM1 Event Grouping" and "PM1 Control Grouping".
constexpr u16 kTmr = 1 << 0, kGbl = 1 << 5, kPwrBtn = 1 << 8, kRtc = 1 << 10;
constexpr u16 kStatusBits = 0x8D31, kEnableBits = kTmr | kGbl | kPwrBtn | kRtc;
constexpr u16 kSciEnable = 1 << 0;
constexpr u8 kControlLow = 0x03, kGblRls = 0x04, kSlpTyp = 0x1C, kSlpEn = 0x20;
constexpr u64 kCarryTicks = 0x80'0000;  // TMR_STS: each change of bit 23
constexpr u32 kTimerMask = 0xFF'FFFF;

u16 clear_byte(u16 word, u32 which, u8 ones) { return word & ~(u16{ones} << (8 * which)); }
u16 set_byte(u16 word, u32 which, u8 value) {
  return static_cast<u16>((word & ~(0xFF << (8 * which))) | value << (8 * which));
}
u8 byte_of(u16 word, u32 which) { return static_cast<u8>(word >> (8 * which)); }

}  // namespace

AcpiPm::AcpiPm(EventClock& clock, IrqLine sci, std::function<void()> power_off)
    : clock_(clock),
      sci_(std::move(sci)),
      power_off_(std::move(power_off)),
      event_(clock, [this] { update(); }) {
  reset();
}

u64 AcpiPm::timer() { return ticks_at(clock_.now(), kTimerHz); }

void AcpiPm::catch_up() {
  const u64 ticks = timer();
  if (ticks < s_.next_carry) return;
  s_.status |= kTmr;
  s_.next_carry = (ticks / kCarryTicks + 1) * kCarryTicks;
}

/// Events are SCIs in ACPI mode only; in legacy mode they would be SMIs.
bool AcpiPm::sci() const {
  const bool event = (s_.status & s_.enable) || (s_.gpe_status & s_.gpe_enable);
  return event && (s_.control & kSciEnable);
}

void AcpiPm::update() {
  catch_up();
  sci_.set(sci());
  // Nobody waits for a status bit that is up, or that raises no interrupt.
  if ((s_.enable & kTmr) && !(s_.status & kTmr))
    event_.schedule_at(time_of_tick(s_.next_carry, kTimerHz));
  else
    event_.cancel();
}

void AcpiPm::press_power_button() {
  s_.status |= kPwrBtn;
  update();
}

void AcpiPm::raise_gpe(unsigned number) {
  if (number >= 16) return;
  s_.gpe_status |= static_cast<u16>(1 << number);
  update();
}

void AcpiPm::set_acpi_enabled(bool enabled) {
  s_.control = static_cast<u16>((s_.control & ~kSciEnable) | (enabled ? kSciEnable : 0));
  update();
}

u8 AcpiPm::read_byte(u32 offset, u32 timer) const {
  const u32 which = offset & 1;
  switch (offset & ~1u) {
    case 0x00:
      return byte_of(s_.status, which);
    case 0x02:
      return byte_of(s_.enable, which);
    case 0x04:
      return byte_of(s_.control, which);
    case 0x08:
    case 0x0A:
      return static_cast<u8>((timer & kTimerMask) >> (8 * (offset & 3)));
    case kGpe:
      return byte_of(s_.gpe_status, which);
    case kGpe + 2:
      return byte_of(s_.gpe_enable, which);
    case kSmi:
      return which ? s_.smi_status : s_.smi_command;
    default:
      return offset < kGpe ? 0 : 0xFF;
  }
}

u32 AcpiPm::read(u32 offset, Width width) {
  catch_up();
  const u32 now = static_cast<u32>(timer());
  u32 value = 0;
  for (u32 i = 0; i < bytes(width); ++i) value |= u32{read_byte(offset + i, now)} << (8 * i);
  return value;
}

void AcpiPm::write_control_high(u8 value) {
  s_.control = set_byte(s_.control, 1, value & kSlpTyp);
  if (!(value & kSlpEn)) return;
  const u8 type = (value & kSlpTyp) >> 2;
  if (type == kSlpTypS5 || type == kSlpTypS4) {
    power_off_();
  } else if (first_times(logged_)) {
    RING3_LOG(GuestErrors, "acpi_pm: sleep type {} is not emulated", type);
  }
}

void AcpiPm::write_smi_command(u8 value) {
  s_.smi_command = value;
  if (value == kAcpiEnable || value == kAcpiDisable) {
    set_acpi_enabled(value == kAcpiEnable);
  } else if (first_times(logged_)) {
    RING3_LOG(GuestErrors, "acpi_pm: SMI command {:#04x} is not emulated", value);
  }
}

void AcpiPm::write_byte(u32 offset, u8 value) {
  const u32 which = offset & 1;
  switch (offset) {
    case 0x00:
    case 0x01:
      s_.status = clear_byte(s_.status, which, value & byte_of(kStatusBits, which));
      break;
    case 0x02:
    case 0x03:
      s_.enable = set_byte(s_.enable, which, value & byte_of(kEnableBits, which));
      break;
    case 0x04:
      s_.control = set_byte(s_.control, 0, value & kControlLow);
      if ((value & kGblRls) && first_times(logged_))
        RING3_LOG(GuestErrors, "acpi_pm: GBL_RLS is not emulated");
      break;
    case 0x05:
      write_control_high(value);
      break;
    case kGpe:
    case kGpe + 1:
      s_.gpe_status = clear_byte(s_.gpe_status, which, value);
      break;
    case kGpe + 2:
    case kGpe + 3:
      s_.gpe_enable = set_byte(s_.gpe_enable, which, value);
      break;
    case kSmi:
      write_smi_command(value);
      break;
    case kSmi + 1:
      s_.smi_status = value;
      break;
    default:
      break;
  }
}

void AcpiPm::write(u32 offset, Width width, u32 value) {
  catch_up();
  for (u32 i = 0; i < bytes(width); ++i) write_byte(offset + i, static_cast<u8>(value >> (8 * i)));
  update();
}

void AcpiPm::reset() {
  s_ = State{};
  s_.next_carry = (timer() / kCarryTicks + 1) * kCarryTicks;
  update();
}

void AcpiPm::fields(FieldVisitor& v) {
  v("status", s_.status)("enable", s_.enable)("control", s_.control);
  v("gpe_status", s_.gpe_status)("gpe_enable", s_.gpe_enable);
  v("smi_command", s_.smi_command)("smi_status", s_.smi_status)("next_carry", s_.next_carry);
}

}  // namespace ring3
