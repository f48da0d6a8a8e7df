// SPDX-License-Identifier: MIT
#include "devices/acpi_pm.h"

#include <catch2/catch.hpp>

#include "devices/ticks.h"
#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr u32 kStatus = 0, kEnable = 2, kControl = 4, kTimer = 8;

struct Fixture {
  Bench bench;
  int off = 0;
  AcpiPm pm{bench.clock, bench.line("SCI"), [this] { ++off; }};
  void out(u32 offset, Width w, u32 value) { pm.write(offset, w, value); }
  u32 in(u32 offset, Width w = Width::Word) { return pm.read(offset, w); }
  bool sci() { return bench.level["SCI"]; }
  void enable_acpi() { out(AcpiPm::kSmi, Width::Byte, AcpiPm::kAcpiEnable); }
};

}  // namespace

TEST_CASE("PM timer: 3.579545 MHz, wraps at 24 bits") {
  Fixture f;
  f.bench.advance(kNanosPerSecond);
  CHECK(f.in(kTimer, Width::Dword) == 3579545);
  f.bench.advance_to(time_of_tick(0xFFFFFF, AcpiPm::kTimerHz));
  CHECK(f.in(kTimer, Width::Dword) == 0xFFFFFF);
  f.bench.advance_to(time_of_tick(0x1000000, AcpiPm::kTimerHz));
  CHECK(f.in(kTimer, Width::Dword) == 0);
}

TEST_CASE("PM timer status: set at each change of bit 23, an SCI if enabled, cleared by 1") {
  Fixture f;
  f.enable_acpi();
  f.out(kEnable, Width::Word, 1);
  f.bench.advance_to(time_of_tick(0x800000, AcpiPm::kTimerHz) - 1);
  CHECK_FALSE(f.sci());
  f.bench.advance(1);
  CHECK(f.sci());
  CHECK(f.in(kStatus) == 1);
  f.out(kStatus, Width::Word, 1);
  CHECK_FALSE(f.sci());
  f.bench.advance_to(time_of_tick(0x1000000, AcpiPm::kTimerHz));
  CHECK(f.sci());
}

TEST_CASE("ACPI mode: by SMI command; without it no event is an SCI") {
  Fixture f;
  f.out(kEnable, Width::Word, 0x100);
  f.pm.press_power_button();
  CHECK(f.in(kStatus) == 0x100);
  CHECK_FALSE(f.sci());
  f.enable_acpi();
  CHECK((f.in(kControl)&1) == 1);
  CHECK(f.in(AcpiPm::kSmi, Width::Byte) == 0xF1);
  CHECK(f.sci());
  f.out(AcpiPm::kSmi, Width::Byte, AcpiPm::kAcpiDisable);
  CHECK((f.in(kControl)&1) == 0);
  CHECK_FALSE(f.sci());
}

TEST_CASE("Power button: an SCI when enabled, one bit cleared leaves others") {
  Fixture f;
  f.enable_acpi();
  f.out(kStatus, Width::Dword, 0x0100'0000);  // PM1_EN in the upper half
  f.pm.press_power_button();
  CHECK(f.sci());
  f.out(kStatus, Width::Byte, 0xFF);  // the other byte
  CHECK(f.in(kStatus) == 0x100);
  f.out(kStatus + 1, Width::Byte, 1);
  CHECK(f.in(kStatus) == 0);
  CHECK_FALSE(f.sci());
}

TEST_CASE("Sleep: SLP_EN with the type of S5 -> power off; another type -> nothing") {
  Fixture f;
  f.out(kControl, Width::Word, 0x0401);
  CHECK(f.off == 0);
  f.out(kControl, Width::Word, 0x2401);
  CHECK(f.off == 0);
  CHECK(f.in(kControl) == 0x0401);  // SLP_EN is write-only
  f.out(kControl, Width::Word, 0x2001);
  CHECK(f.off == 1);
}

TEST_CASE("GPE: status and enable bytes, an SCI when both are up") {
  Fixture f;
  f.enable_acpi();
  f.pm.raise_gpe(9);
  CHECK(f.in(AcpiPm::kGpe) == 0x200);
  CHECK_FALSE(f.sci());
  f.out(AcpiPm::kGpe + 3, Width::Byte, 0x02);
  CHECK(f.sci());
  f.out(AcpiPm::kGpe + 1, Width::Byte, 0x02);
  CHECK_FALSE(f.sci());
  CHECK(f.in(AcpiPm::kGpe, Width::Dword) == 0x0200'0000);
}
