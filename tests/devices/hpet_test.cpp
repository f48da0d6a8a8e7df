// SPDX-License-Identifier: MIT
#include "devices/hpet.h"

#include <catch2/catch.hpp>

#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr u32 kConfig = 0x10, kStatus = 0x20, kCounter = 0xF0;
constexpr u32 timer(u32 n, u32 reg) { return 0x100 + 0x20 * n + reg; }
constexpr u32 kTimerConfig = 0, kComparator = 8;
constexpr u32 kLevel = 2, kIrq = 4, kPeriodic = 8, kSet = 0x40, k32 = 0x100, kRoute2 = 2 << 9;

struct Fixture {
  Bench bench;
  std::map<unsigned, int> edges;
  std::map<unsigned, bool> level;
  Hpet hpet{bench.clock, [this](unsigned gsi, bool value) {
              edges[gsi] += value && !level[gsi];
              level[gsi] = value;
            }};
  void out(u32 offset, u32 value) { hpet.write(offset, Width::Dword, value); }
  u32 in(u32 offset) { return hpet.read(offset, Width::Dword); }
  void run(Nanos t) { bench.advance(t); }
};

}  // namespace

TEST_CASE("HPET: capabilities -> 100 MHz, 64 bits, three timers, legacy, periodic on all") {
  Fixture f;
  CHECK(f.hpet.mmio_read(0, 8) == 0x009896808086A201);
  CHECK(f.in(timer(0, 0)) == 0x30);
  CHECK(f.in(timer(2, 4)) == 4);
}

TEST_CASE("HPET counter: runs while enabled, keeps its value while halted, 64 bits to set") {
  Fixture f;
  f.run(1000);
  CHECK(f.in(kCounter) == 0);
  f.hpet.mmio_write(kCounter, 8, 0x1'FFFF'FFFF);
  f.out(kConfig, 1);
  f.run(10);
  CHECK(f.hpet.mmio_read(kCounter, 8) == 0x2'0000'0000);
  f.out(kCounter, 7);  // ignored while it runs
  f.out(kConfig, 0);
  f.run(1000);
  CHECK(f.hpet.mmio_read(kCounter, 8) == 0x2'0000'0000);
}

TEST_CASE("HPET one-shot: one edge when the counter meets the comparator, none before") {
  Fixture f;
  f.out(timer(0, kTimerConfig), kIrq | kRoute2);
  f.out(kConfig, 1);
  f.hpet.mmio_write(timer(0, kComparator), 8, 100);
  f.run(999);
  CHECK(f.edges[2] == 0);
  f.run(1);
  CHECK(f.edges[2] == 1);
  f.run(kNanosPerSecond);
  CHECK(f.edges[2] == 1);
}

TEST_CASE("HPET one-shot: a comparator that has passed -> nothing, in 32 bits after the wrap") {
  Fixture f;
  f.out(timer(0, kTimerConfig), kIrq | kRoute2 | k32);
  f.out(kConfig, 1);
  f.run(1000);
  f.out(timer(0, kComparator), 50);
  f.run(kNanosPerSecond);
  CHECK(f.edges[2] == 0);
  f.run(10 * (u64{1} << 32) - kNanosPerSecond);
  CHECK(f.edges[2] == 1);
}

TEST_CASE("HPET periodic: as Linux sets it up, an edge each period") {
  Fixture f;
  f.out(kConfig, 1);
  f.out(timer(0, kTimerConfig), kIrq | kPeriodic | kSet | k32 | kRoute2);
  f.out(timer(0, kComparator), 400'000);  // the comparator
  f.out(timer(0, kComparator), 100'000);  // then the period
  CHECK((f.in(timer(0, kTimerConfig)) & kSet) == 0);
  f.run(3'999'999);
  CHECK(f.edges[2] == 0);
  f.run(1);
  CHECK(f.edges[2] == 1);
  CHECK(f.in(timer(0, kComparator)) == 500'000);
  f.run(100'000'000);
  CHECK(f.edges[2] == 101);
}

TEST_CASE("HPET periodic: 64-bit writes with VAL_SET set comparator and period") {
  Fixture f;
  f.out(timer(1, kTimerConfig), kIrq | kPeriodic | kSet | kRoute2);
  f.hpet.mmio_write(timer(1, kComparator), 8, 0x1'0000'0000);
  CHECK(f.hpet.mmio_read(timer(1, kComparator), 8) == 0x1'0000'0000);
}

TEST_CASE("HPET level: status bit and line until software clears it") {
  Fixture f;
  f.out(kConfig, 1);
  f.out(timer(1, kTimerConfig), kIrq | kLevel | kRoute2);
  f.out(timer(1, kComparator), 10);
  f.out(timer(1, kComparator + 4), 0);
  f.run(100);
  CHECK(f.in(kStatus) == 2);
  CHECK(f.level[2]);
  f.out(kStatus, 1);
  CHECK(f.level[2]);
  f.out(kStatus, 2);
  CHECK_FALSE(f.level[2]);
}

TEST_CASE("HPET legacy replacement: timer 0 is IRQ0, timer 1 is IRQ8, PIT and RTC are cut off") {
  Fixture f;
  f.hpet.pit_input().set(true);
  f.hpet.rtc_input().set(true);
  CHECK((f.level[0] && f.level[8]));
  f.out(kConfig, 3);
  CHECK_FALSE((f.level[0] || f.level[8]));
  f.hpet.pit_input().pulse();
  CHECK(f.edges[0] == 1);
  f.out(timer(0, kTimerConfig), kIrq);
  f.hpet.mmio_write(timer(0, kComparator), 8, 100);
  f.out(timer(1, kTimerConfig), kIrq);
  f.hpet.mmio_write(timer(1, kComparator), 8, 200);
  f.run(1000);
  CHECK(f.edges[0] == 2);
  CHECK(f.edges[8] == 1);
  f.run(1000);
  CHECK(f.edges[8] == 2);
  f.hpet.pit_input().set(true);
  f.out(kConfig, 1);
  CHECK(f.level[0]);
  CHECK(f.level[8]);
}

TEST_CASE("HPET: a route that the timer cannot take is not kept") {
  Fixture f;
  f.out(timer(0, kTimerConfig), kRoute2);
  f.out(timer(0, kTimerConfig), 5 << 9);
  CHECK((f.in(timer(0, kTimerConfig)) & 0x3E00) == kRoute2);
}
