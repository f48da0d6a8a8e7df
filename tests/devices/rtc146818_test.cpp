// SPDX-License-Identifier: MIT
#include "devices/rtc146818.h"

#include <catch2/catch.hpp>

#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr i64 kLeapEve = 951'782'399;        // Mon 28 Feb 2000, 23:59:59
constexpr i64 kLastOfCentury = 946'684'799;  // Fri 31 Dec 1999, 23:59:59

struct Fixture {
  Bench bench;
  Rtc146818 rtc;
  explicit Fixture(i64 start = kLeapEve) : rtc(bench.clock, bench.line("IRQ8"), start) {}
  u32 in(u8 index) {
    rtc.write(0, Width::Byte, index);
    return rtc.read(1, Width::Byte);
  }
  void out(u8 index, u8 value) {
    rtc.write(0, Width::Byte, index);
    rtc.write(1, Width::Byte, value);
  }
  u32 time() { return in(4) << 16 | in(2) << 8 | in(0); }
  u32 date() { return in(0x32) << 24 | in(9) << 16 | in(8) << 8 | in(7); }
  bool irq() { return bench.level["IRQ8"]; }
};

constexpr Nanos kSecond = kNanosPerSecond, kMilli = 1'000'000;

}  // namespace

TEST_CASE("RTC: power-on time in BCD, 24 hours; day 29 follows in a leap year") {
  Fixture f;
  CHECK(f.time() == 0x235959);
  CHECK(f.date() == 0x20000228);
  CHECK(f.in(6) == 2);  // Monday
  f.bench.advance(kSecond);
  CHECK(f.time() == 0);
  CHECK(f.date() == 0x20000229);
  CHECK(f.in(6) == 3);
  f.bench.jump(86400 * kSecond);
  CHECK(f.date() == 0x20000301);
}

TEST_CASE("RTC: the last second of the century -> year and century carry") {
  Fixture f(kLastOfCentury);
  f.bench.advance(kSecond);
  CHECK(f.date() == 0x20000101);
  CHECK(f.in(6) == 7);  // Saturday
}

TEST_CASE("RTC: binary and 12-hour formats are used for what is counted from then on") {
  Fixture f;
  f.out(0x0B, 0x84);  // SET, binary, 12 hours
  const u8 values[][2] = {{0, 59}, {2, 59}, {4, 11}, {6, 7}, {7, 31}, {8, 12}, {9, 99}, {0x32, 19}};
  for (const auto& v : values) f.out(v[0], v[1]);
  f.out(0x0B, 0x04);
  f.bench.advance(kSecond);
  CHECK(f.in(4) == 0x8C);  // 12 PM
  CHECK(f.in(7) == 31);
  f.bench.jump(12 * 3600 * kSecond);
  CHECK(f.in(4) == 12);  // 12 AM
  CHECK(f.in(7) == 1);
  CHECK(f.in(8) == 1);
  CHECK(f.in(9) == 0);
  CHECK(f.in(0x32) == 20);
}

TEST_CASE("RTC UIP: up before the update, down once the registers have changed") {
  Fixture f;
  f.bench.advance(kSecond - 2'300'000);
  CHECK((f.in(0x0A) & 0x80) == 0);
  f.bench.advance(100'000);
  CHECK((f.in(0x0A) & 0x80) != 0);
  CHECK(f.in(0) == 0x59);
  f.bench.advance(2'200'000);
  CHECK((f.in(0x0A) & 0x80) == 0);
  CHECK(f.in(0) == 0x00);
}

TEST_CASE("RTC SET: holds the clock, clears UIE; the divider's phase goes on") {
  Fixture f;
  f.out(0x0B, 0x92);
  CHECK(f.in(0x0B) == 0x82);
  f.bench.advance(5 * kSecond);
  CHECK(f.in(0) == 0x59);
  CHECK((f.in(0x0A) & 0x80) == 0);
  f.bench.advance(900 * kMilli);
  f.out(0, 0x10);
  f.out(0x0B, 0x02);
  f.bench.advance(100 * kMilli);
  CHECK(f.in(0) == 0x11);
}

TEST_CASE("RTC divider: out of reset the first update comes after half a second") {
  Fixture f;
  f.out(0x0A, 0x76);
  f.bench.advance(3 * kSecond);
  CHECK(f.in(0) == 0x59);
  f.out(0, 0x20);
  f.out(0x0A, 0x26);
  f.bench.advance(499 * kMilli);
  CHECK(f.in(0) == 0x20);
  f.bench.advance(1 * kMilli);
  CHECK(f.in(0) == 0x21);
}

TEST_CASE("RTC update interrupt: IRQ8 until register C is read, and reading clears it") {
  Fixture f;
  f.out(0x0B, 0x12);
  f.bench.advance(kSecond - 1);
  CHECK_FALSE(f.irq());
  f.bench.advance(1);
  CHECK(f.irq());
  CHECK((f.in(0x0C) & 0x90) == 0x90);
  CHECK_FALSE(f.irq());
  CHECK(f.in(0x0C) == 0);
  f.bench.advance(kSecond);
  CHECK(f.irq());
}

TEST_CASE("RTC alarm: at the time, or each minute with don't-care bytes") {
  Fixture f;
  f.out(1, 0x05);
  f.out(3, 0xC0);
  f.out(5, 0xFF);
  f.out(0x0B, 0x22);
  f.bench.advance(5 * kSecond);
  CHECK_FALSE(f.irq());
  f.bench.advance(kSecond);
  CHECK(f.time() == 0x000005);
  CHECK((f.in(0x0C) & 0xB0) == 0xB0);
  f.bench.advance(59 * kSecond);
  CHECK_FALSE(f.irq());
  f.bench.advance(kSecond);
  CHECK(f.irq());
}

TEST_CASE("RTC periodic: 1024 Hz, flag without PIE, one interrupt while C is unread") {
  Fixture f;
  f.in(0x0C);
  f.bench.advance(1 * kMilli);
  CHECK((f.in(0x0C) & 0xC0) == 0x40);
  f.out(0x0B, 0x42);
  int fired = 0;
  for (int i = 0; i < 10'000; ++i) {
    f.bench.advance(100'000);
    if (f.irq()) ++fired, f.in(0x0C);
  }
  CHECK(fired == 1024);
  f.bench.advance(kSecond);
  CHECK(f.irq());
  f.out(0x0A, 0x20);
  f.in(0x0C);
  f.bench.advance(300 * kMilli);
  CHECK_FALSE(f.irq());
}

TEST_CASE("RTC rates 1 and 2: 256 and 128 Hz") {
  Fixture f;
  f.out(0x0A, 0x22);
  f.out(0x0B, 0x42);
  int fired = 0;
  for (int i = 0; i < 2000; ++i) {
    f.bench.advance(500'000);
    if (f.irq()) ++fired, f.in(0x0C);
  }
  CHECK(fired == 128);
}

TEST_CASE("RTC: port 70h bit 7 masks NMI; registers C and D are read-only; reset keeps time") {
  Fixture f;
  f.rtc.write(0, Width::Byte, 0x8F);
  CHECK(f.rtc.nmi_masked());
  f.out(0x0F, 0x0A);
  CHECK_FALSE(f.rtc.nmi_masked());
  f.out(0x0D, 0);
  CHECK(f.in(0x0D) == 0x80);
  f.rtc.set_cmos(0x34, 0x70);
  f.out(0x0B, 0x7A);
  f.rtc.reset();
  CHECK(f.in(0x0B) == 0x02);
  CHECK(f.in(0x0F) == 0x0A);
  CHECK(f.in(0x34) == 0x70);
  CHECK(f.time() == 0x235959);
}
