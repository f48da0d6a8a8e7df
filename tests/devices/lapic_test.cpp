// SPDX-License-Identifier: MIT
#include "devices/lapic.h"

#include <catch2/catch.hpp>

#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr u64 kBsp = 0x100, kX2 = 0xC00, kX1 = 0x800;

struct Fixture {
  Bench bench;
  int ext_acks = 0;
  LocalApic apic{bench.clock, bench, bench.apic_bus, {}, [this] { return ++ext_acks, u8{0x28}; }};
  explicit Fixture(bool enable = true) {
    if (enable) out(0xF0, 0x1FF);
  }
  void out(u32 reg, u32 value) { apic.write(reg, Width::Dword, value); }
  u32 in(u32 reg) { return apic.read(reg, Width::Dword); }
  void self_ipi(u8 vector) { out(0x300, 0x40000 | vector); }
  bool intr() { return bench.level["INTR"]; }
  void to_x2apic() { REQUIRE(apic.set_apic_base(LocalApic::kDefaultBase | kBsp | kX2)); }
};

}  // namespace

TEST_CASE("LAPIC reset: version, spurious vector and masked LVT; LINT0 is ExtINT") {
  Fixture f(false);
  CHECK(f.in(0x30) == 0x00050014);
  CHECK(f.in(0xF0) == 0xFF);
  CHECK(f.in(0xE0) == 0xFFFFFFFF);
  CHECK(f.in(0x320) == 0x10000);
  CHECK(f.in(0x350) == 0x700);
  CHECK(f.apic.apic_base() == 0xFEE00900);
}

TEST_CASE("LAPIC: the higher class first, the same class waits for the EOI") {
  Fixture f;
  f.self_ipi(0x41);
  f.self_ipi(0x45);
  f.self_ipi(0x92);
  CHECK(f.apic.acknowledge() == 0x92);
  CHECK(f.in(0xA0) == 0x90);
  CHECK_FALSE(f.intr());
  f.out(0xB0, 0);
  CHECK(f.apic.acknowledge() == 0x45);
  CHECK_FALSE(f.intr());  // 41h is of the class in service
  f.out(0xB0, 0);
  CHECK(f.apic.acknowledge() == 0x41);
}

TEST_CASE("LAPIC TPR: blocks its class and those below; CR8 is its upper half") {
  Fixture f;
  f.apic.set_task_priority(4);
  CHECK(f.in(0x80) == 0x40);
  f.self_ipi(0x4F);
  CHECK_FALSE(f.intr());
  CHECK(f.apic.acknowledge() == 0xFF);  // the spurious vector, as INTR was masked meanwhile
  f.self_ipi(0x50);
  CHECK(f.intr());
  f.out(0x80, 0x35);
  CHECK(f.apic.task_priority() == 3);
  CHECK(f.apic.acknowledge() == 0x50);
  CHECK(f.in(0xA0) == 0x50);
}

TEST_CASE("LAPIC software disable: LVT masked, no new interrupts, NMI still") {
  Fixture f;
  f.out(0x320, 0x20);
  f.out(0xF0, 0x0FF);
  CHECK((f.in(0x320) & 0x10000) != 0);
  f.out(0x320, 0x20);
  CHECK((f.in(0x320) & 0x10000) != 0);
  f.self_ipi(0x50);
  CHECK_FALSE(f.apic.acknowledge().has_value());
  f.out(0x300, 0x40400);
  CHECK(f.bench.nmis == 1);
}

TEST_CASE("LAPIC timer one-shot: counts down at the divided rate, one interrupt") {
  Fixture f;
  f.out(0x3E0, 0x3);  // by 16
  f.out(0x320, 0x31);
  f.out(0x380, 1000);
  f.bench.advance(15'999);
  CHECK(f.in(0x390) == 1);
  CHECK_FALSE(f.intr());
  f.bench.advance(1);
  CHECK(f.in(0x390) == 0);
  CHECK(f.apic.acknowledge() == 0x31);
  f.out(0xB0, 0);
  f.bench.advance(100'000);
  CHECK_FALSE(f.intr());
}

TEST_CASE("LAPIC timer divide: 2 to 128, and 1") {
  Fixture f;
  const u32 codes[] = {0, 1, 2, 3, 8, 9, 10, 11};
  const u64 divisors[] = {2, 4, 8, 16, 32, 64, 128, 1};
  for (size_t i = 0; i < 8; ++i) {
    f.out(0x3E0, codes[i]);
    f.out(0x380, 1'000'000);
    f.bench.advance(128'000);
    CHECK(f.in(0x390) == 1'000'000 - 128'000 / divisors[i]);
  }
}

TEST_CASE("LAPIC timer periodic: an interrupt each period, exactly on its grid") {
  Fixture f;
  f.out(0x3E0, 0xB);
  f.out(0x320, 0x20031);
  f.out(0x380, 1'000'000);
  int fired = 0;
  for (int i = 0; i < 1000; ++i) {
    f.bench.advance(100'000);
    if (f.intr()) ++fired, f.apic.acknowledge(), f.out(0xB0, 0);
  }
  CHECK(fired == 100);
  f.bench.jump(2'500'000);  // late: one interrupt for two periods, then on the grid
  CHECK(f.apic.acknowledge() == 0x31);
  f.out(0xB0, 0);
  CHECK(f.in(0x390) == 500'000);
  f.bench.advance(499'999);
  CHECK_FALSE(f.intr());
  f.bench.advance(1);
  CHECK(f.intr());
  f.out(0x380, 0);
  CHECK(f.bench.clock.next_deadline() == kNever);
}

TEST_CASE("LAPIC TSC deadline: fires at the tick, disarms itself; 0 disarms; a past one at once") {
  Fixture f;
  f.apic.set_tsc_deadline(500);
  CHECK(f.apic.tsc_deadline() == 0);  // not in that mode
  f.out(0x320, 0x40033);
  f.apic.set_tsc_deadline(5'000);
  f.bench.advance_to(4'999);
  CHECK(f.apic.tsc_deadline() == 5'000);
  CHECK_FALSE(f.intr());
  f.bench.advance_to(5'000);
  CHECK(f.apic.tsc_deadline() == 0);
  CHECK(f.apic.acknowledge() == 0x33);
  f.out(0xB0, 0);
  f.apic.set_tsc_deadline(9'000);
  f.apic.set_tsc_deadline(0);
  f.bench.advance_to(10'000);
  CHECK_FALSE(f.intr());
  f.apic.set_tsc_deadline(1);
  CHECK(f.intr());
}

TEST_CASE("LAPIC LINT0: ExtINT hands out the 8259's vector, below the APIC's own") {
  Fixture f;
  f.apic.set_lint0(true);
  CHECK(f.intr());
  f.self_ipi(0x50);
  CHECK(f.apic.acknowledge() == 0x50);
  CHECK(f.apic.acknowledge() == 0x28);
  f.out(0x350, 0x10700);
  CHECK_FALSE(f.intr());
  f.out(0x350, 0x41);  // fixed, edge: Linux's virtual wire
  f.apic.set_lint0(false);
  f.out(0xB0, 0);
  f.apic.set_lint0(true);
  CHECK(f.apic.acknowledge() == 0x41);
  CHECK(f.ext_acks == 1);
}

TEST_CASE("LAPIC switched off: LINT0 is INTR and LINT1 is NMI; the window is gone") {
  Fixture f;
  REQUIRE(f.apic.set_apic_base(LocalApic::kDefaultBase | kBsp));
  CHECK(f.in(0x30) == 0xFFFFFFFF);
  f.apic.set_lint0(true);
  CHECK(f.apic.acknowledge() == 0x28);
  f.apic.set_lint1(true);
  CHECK(f.bench.nmis == 1);
}

TEST_CASE("LAPIC LINT1: masked -> nothing, NMI mode -> one NMI a rise") {
  Fixture f;
  f.apic.set_lint1(true);
  f.apic.set_lint1(false);
  CHECK(f.bench.nmis == 0);
  f.out(0x360, 0x400);
  f.apic.set_lint1(true);
  f.apic.set_lint1(true);
  CHECK(f.bench.nmis == 1);
}

TEST_CASE("LAPIC ESR: errors show after a write, and raise the error interrupt") {
  Fixture f;
  f.out(0x370, 0x3F);
  f.self_ipi(0x05);
  CHECK(f.in(0x280) == 0);
  f.out(0x280, 0);
  CHECK(f.in(0x280) == 0x20);
  CHECK(f.apic.acknowledge() == 0x3F);
  f.in(0x040);  // reserved
  f.out(0x280, 0);
  CHECK(f.in(0x280) == 0x80);
  f.out(0x280, 0);
  CHECK(f.in(0x280) == 0);
}

TEST_CASE("LAPIC ICR: INIT, its de-assert, SIPI and NMI to another cpu; shorthands") {
  Fixture f;
  Bench other;
  LocalApic second(other.clock, other, f.bench.apic_bus, {.id = 1, .bootstrap = false},
                   [] { return u8{0}; });
  f.out(0x310, 0x01000000);
  f.out(0x300, 0xC500);
  f.out(0x300, 0x8500);
  f.out(0x300, 0x4608);
  f.out(0x300, 0x4400);
  CHECK(other.inits == 1);
  CHECK(other.sipis == std::vector<u8>{0x08});
  CHECK(other.nmis == 1);
  CHECK(f.bench.inits + f.bench.nmis == 0);
  f.out(0x300, 0xC4400);  // all but self
  CHECK(other.nmis == 2);
  CHECK(f.bench.nmis == 0);
  f.out(0x300, 0x84400);  // all
  CHECK(other.nmis == 3);
  CHECK(f.bench.nmis == 1);
}

TEST_CASE("LAPIC INIT: registers as after reset, id and base stay") {
  Fixture f;
  f.out(0x20, 0x05000000);
  f.self_ipi(0x50);
  f.apic.init();
  CHECK(f.in(0x20) == 0x05000000);
  CHECK(f.in(0xF0) == 0xFF);
  CHECK_FALSE(f.intr());
}

TEST_CASE("IA32_APIC_BASE: reserved bits and wrong transitions -> #GP") {
  Fixture f;
  const u64 base = LocalApic::kDefaultBase | kBsp;
  CHECK_FALSE(f.apic.set_apic_base(base | kX1 | 1));
  CHECK_FALSE(f.apic.set_apic_base(base | kX1 | u64{1} << 40));
  CHECK_FALSE(f.apic.set_apic_base(base | 0x400));
  f.to_x2apic();
  CHECK_FALSE(f.apic.set_apic_base(base | kX1));
  CHECK(f.apic.set_apic_base(base));
  CHECK_FALSE(f.apic.set_apic_base(base | kX2));
  CHECK(f.apic.set_apic_base(base | kX1));
}

TEST_CASE("IA32_APIC_BASE: without x2APIC EXTD is reserved") {
  Bench b;
  LocalApic apic(b.clock, b, b.apic_bus, {.x2apic = false}, [] { return u8{0}; });
  CHECK_FALSE(apic.set_apic_base(LocalApic::kDefaultBase | kX2));
}

TEST_CASE("x2APIC: registers as MSRs, the window is gone, reserved accesses -> #GP") {
  Fixture f;
  CHECK_FALSE(f.apic.read_x2apic(0x02).has_value());
  f.to_x2apic();
  CHECK(f.in(0x30) == 0xFFFFFFFF);
  CHECK(f.apic.read_x2apic(0x02) == 0);
  CHECK(f.apic.read_x2apic(0x0D) == 1);  // cluster 0, bit 0
  CHECK_FALSE(f.apic.read_x2apic(0x0E).has_value());
  CHECK_FALSE(f.apic.read_x2apic(0x31).has_value());
  CHECK_FALSE(f.apic.read_x2apic(0x0B).has_value());
  CHECK_FALSE(f.apic.read_x2apic(0x3F).has_value());
  CHECK_FALSE(f.apic.write_x2apic(0x02, 1));
  CHECK_FALSE(f.apic.write_x2apic(0x0B, 1));
  CHECK_FALSE(f.apic.write_x2apic(0x08, 0x100));
  CHECK_FALSE(f.apic.write_x2apic(0x32, 0x100000));
}

TEST_CASE("x2APIC: self IPI, 64-bit ICR and logical destination") {
  Fixture f;
  f.to_x2apic();
  REQUIRE(f.apic.write_x2apic(0x3F, 0x77));
  CHECK(f.apic.acknowledge() == 0x77);
  REQUIRE(f.apic.write_x2apic(0x0B, 0));
  REQUIRE(f.apic.write_x2apic(0x30, u64{0x00000001} << 32 | 0x878));
  CHECK(f.apic.acknowledge() == 0x78);
  REQUIRE(f.apic.write_x2apic(0x30, u64{0x00010001} << 32 | 0x879));  // another cluster
  CHECK(f.apic.acknowledge() == std::nullopt);
  REQUIRE(f.apic.write_x2apic(0x30, ~u64{0} << 32 | 0x99));
  CHECK(f.apic.acknowledge() == 0x99);
  CHECK(f.apic.read_x2apic(0x30) == (~u64{0} << 32 | 0x99));
}
