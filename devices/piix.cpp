// SPDX-License-Identifier: MIT
#include "devices/piix.h"

#include <utility>

namespace ring3 {
namespace {

constexpr u8 kPirqRoute = 0x60, kRouteDisabled = 0x80;
constexpr u8 kPmBase = 0x40, kPmRegMisc = 0x80, kPmIoEnable = 1;
constexpr u16 kPmBaseMask = 0xFFC0;
constexpr u8 kInterruptLine = 0x3C, kSci = 9;
constexpr u8 kIdeTiming = 0x40, kBusMasterBar = 4;
constexpr u16 kIdeDecode = 0x8000;
// ISA interrupts that PIRQRC may name (PIIX datasheet "PIRQRC[A:D]").
constexpr u16 kRoutable = 0xDEF8;

}  // namespace

Piix3Isa::Piix3Isa(std::function<void(unsigned, bool)> isa_irq)
    : PciDevice({.vendor = 0x8086, .device = 0x7000, .class_code = 0x060100, .header_type = 0x80}),
      isa_irq_(std::move(isa_irq)) {
  set_reset(0x06, Width::Word, 0x0200);  // DEVSEL# medium
  set_reset(0x4C, Width::Dword, 0x0003'004D);
  set_reset(kPirqRoute, Width::Dword, 0x8080'8080);
  set_reset(0x69, Width::Byte, 0x02);
  set_reset(0x70, Width::Byte, 0x80);
  set_reset(0x76, Width::Word, 0x0C0C);
  set_reset(0x78, Width::Word, 0x0002);
  set_reset(0xA0, Width::Byte, 0x08);
  set_reset(0xA8, Width::Byte, 0x0F);
  set_writable(0x40, 0xFF);
}

void Piix3Isa::set_pin(unsigned slot, unsigned pin, bool level) {
  u32& drivers = slots_[(slot - 1 + pin) & 3];
  // One bit per slot and pin pair that meets here: a slot reaches a PIRQ through one pin only.
  drivers = level ? drivers | 1u << slot : drivers & ~(1u << slot);
  update();
}

void Piix3Isa::set_pirq_route(unsigned pirq, u8 isa_irq) {
  config_write(static_cast<u8>(kPirqRoute + pirq), Width::Byte, isa_irq);
}

void Piix3Isa::config_changed(u8 first, u8 last) {
  if (first <= kPirqRoute + 3 && last >= kPirqRoute) update();
}

void Piix3Isa::update() {
  u16 driven = 0;
  for (unsigned pirq = 0; pirq < 4; ++pirq) {
    const u8 route = reg8(static_cast<u8>(kPirqRoute + pirq));
    if (slots_[pirq] && !(route & kRouteDisabled)) driven |= 1u << (route & 15);
  }
  driven &= kRoutable;
  const u16 changed = std::exchange(driven_, driven) ^ driven;
  for (unsigned irq = 0; irq < 16; ++irq) {
    if (changed >> irq & 1) isa_irq_(irq, driven >> irq & 1);
  }
}

Piix4Pm::Piix4Pm(std::function<void(std::optional<u16>)> moved)
    : PciDevice({.vendor = 0x8086,
                 .device = 0x7113,
                 .class_code = 0x068000,
                 .revision = 3,
                 .interrupt_pin = 1}),
      moved_(std::move(moved)) {
  set_reset(0x06, Width::Word, 0x0280);  // DEVSEL# medium, fast back-to-back
  set_reset(kPmBase, Width::Dword, 1);
  // DEVACTB: SMIs from APMC are on, so that a BIOS does not set up SMM, which is not there.
  set_reset(0x5B, Width::Byte, 0x02);
  set_reset(0x5F, Width::Byte, 0x10);
  set_reset(0x63, Width::Byte, 0x60);
  set_reset(0x90, Width::Dword, 0xB101);
  set_reset(0xD2, Width::Byte, 0x09);
  set_writable(kPmBase, 0xFF);
  set_writable(kPmBase, kPmBase, 0xC0);  // PMBA: 64 ports, bit 0 reads 1
  set_writable(kPmBase + 2, kPmBase + 3, 0);
}

void Piix4Pm::enable_at(u16 base) {
  config_write(kPmBase, Width::Dword, base);
  config_write(kPmRegMisc, Width::Byte, kPmIoEnable);
  config_write(kInterruptLine, Width::Byte, kSci);
}

void Piix4Pm::config_changed(u8, u8) {
  const u16 at = reg16(kPmBase) & kPmBaseMask;
  const bool enabled = (reg8(kPmRegMisc) & kPmIoEnable) && at;
  const std::optional<u16> base = enabled ? std::optional<u16>(at) : std::nullopt;
  if (std::exchange(base_, base) != base && moved_) moved_(base);
}

Piix3Ide::Piix3Ide(std::function<void(std::optional<u16>)> moved,
                   std::function<void(bool)> bus_master)
    : PciDevice({.vendor = 0x8086, .device = 0x7010, .class_code = 0x010180}),
      moved_(std::move(moved)),
      bus_master_changed_(std::move(bus_master)) {
  set_reset(0x06, Width::Word, 0x0280);  // DEVSEL# medium, fast back-to-back
  set_writable(kIdeTiming, kIdeTiming + 4);
  add_bar(kBusMasterBar, BarKind::Io, 16);
}

void Piix3Ide::enable_channels() {
  for (const u8 reg : {kIdeTiming, u8{kIdeTiming + 2}}) config_write(reg, Width::Word, kIdeDecode);
}

void Piix3Ide::config_changed(u8, u8) {
  const u16 at = static_cast<u16>(bar_address(kBusMasterBar));
  const std::optional<u16> base = io_enabled() && at ? std::optional<u16>(at) : std::nullopt;
  if (std::exchange(base_, base) != base) moved_(base);
  bus_master_changed_(bus_master());
}

}  // namespace ring3
