// SPDX-License-Identifier: MIT
#include "devices/pit8254.h"

#include <catch2/catch.hpp>

#include "devices/ticks.h"
#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

struct Fixture {
  Bench bench;
  Pit8254 pit{bench.clock, bench.line("IRQ0")};
  void out(u32 offset, u8 value) { pit.write(offset, Width::Byte, value); }
  u32 in(u32 offset) { return pit.read(offset, Width::Byte); }
  void program(u8 channel, u8 mode, u16 count, bool bcd = false) {
    out(3, static_cast<u8>(channel << 6 | 0x30 | mode << 1 | bcd));
    out(channel, static_cast<u8>(count));
    out(channel, static_cast<u8>(count >> 8));
  }
  u32 count(u8 channel) {
    out(3, static_cast<u8>(channel << 6));
    const u32 low = in(channel);
    return low | in(channel) << 8;
  }
  u32 status(u8 channel) {
    out(3, static_cast<u8>(0xE0 | 2 << channel));
    return in(channel);
  }
  /// To the start of tick `n` after now's tick.
  void ticks(u64 n) {
    const u64 now = ticks_at(bench.time.time, Pit8254::kHz);
    bench.advance_to(time_of_tick(now + n, Pit8254::kHz));
  }
  size_t rises() const {
    size_t n = 0;
    for (const std::string& t : bench.trace) n += t.find("IRQ0 true") != t.npos;
    return n;
  }
};

}  // namespace

TEST_CASE("8254 ticks: the first instant of a tick is in it, the one before is not") {
  for (const u64 tick : {u64{1}, u64{1193}, u64{1193182}, u64{4'000'000'000'123}}) {
    const Nanos at = time_of_tick(tick, Pit8254::kHz);
    CHECK(ticks_at(at, Pit8254::kHz) == tick);
    CHECK(ticks_at(at - 1, Pit8254::kHz) == tick - 1);
  }
}

TEST_CASE("8254 mode 0: OUT low at the control word, high N + 1 clocks after the count") {
  Fixture f;
  f.program(0, 0, 10);
  CHECK_FALSE(f.pit.out(0));
  f.ticks(10);
  CHECK_FALSE(f.pit.out(0));
  CHECK(f.count(0) == 1);
  f.ticks(1);
  CHECK(f.pit.out(0));
  CHECK(f.bench.level["IRQ0"]);
  f.ticks(1);
  CHECK(f.count(0) == 0xFFFF);
  CHECK(f.pit.out(0));
}

TEST_CASE("8254 mode 0: the first byte of a new count lowers OUT until the second counts down") {
  Fixture f;
  f.program(0, 0, 2);
  f.ticks(5);
  CHECK(f.pit.out(0));
  f.out(0, 3);
  CHECK_FALSE(f.pit.out(0));
  f.ticks(20);
  CHECK_FALSE(f.pit.out(0));
  f.out(0, 0);
  f.ticks(4);
  CHECK(f.pit.out(0));
}

TEST_CASE("8254 mode 2: OUT is low for one clock when the count is 1, then it reloads") {
  Fixture f;
  f.program(0, 2, 4);
  f.ticks(1);
  CHECK(f.count(0) == 4);
  f.ticks(3);
  CHECK(f.count(0) == 1);
  CHECK_FALSE(f.pit.out(0));
  f.ticks(1);
  CHECK(f.count(0) == 4);
  CHECK(f.pit.out(0));
}

TEST_CASE("8254 mode 2: a second at 1193182 / 11932 -> 99 edges, no drift in a hundred seconds") {
  Fixture f;
  f.program(0, 2, 11932);
  const size_t before = f.rises();
  f.bench.advance_to(kNanosPerSecond);
  CHECK(f.rises() - before == 99);
  f.bench.advance_to(100 * kNanosPerSecond);
  CHECK(f.rises() - before == 1193182u * 100 / 11932);
}

TEST_CASE("8254 mode 2: an event that runs late -> one edge for what it missed, then on the grid") {
  Fixture f;
  f.program(0, 2, 1000);
  const size_t before = f.rises();
  f.bench.jump(time_of_tick(5500, Pit8254::kHz));
  CHECK(f.rises() == before + 1);
  f.ticks(501);
  CHECK(f.rises() == before + 2);
}

TEST_CASE("8254 mode 2: a new count takes effect at the end of the cycle") {
  Fixture f;
  f.program(2, 2, 10);
  f.out(Pit8254::kPort61, 1);
  f.ticks(4);
  f.out(2, 100);
  f.out(2, 0);
  CHECK((f.status(2) & 0x40) != 0);  // null count: not loaded yet
  CHECK(f.count(2) == 7);
  f.ticks(7);
  CHECK(f.count(2) == 100);
  CHECK((f.status(2) & 0x40) == 0);
}

TEST_CASE("8254 mode 3: even and odd counts -> high for (N + 1) / 2 clocks, down by two") {
  Fixture f;
  f.program(0, 3, 5);
  std::string wave;
  std::vector<u32> counts;
  for (int i = 0; i < 10; ++i) {
    f.ticks(1);
    wave += f.pit.out(0) ? 'H' : 'L';
    counts.push_back(f.count(0));
  }
  CHECK(wave == "HHHLLHHHLL");
  CHECK(counts == std::vector<u32>{4, 2, 0, 4, 2, 4, 2, 0, 4, 2});
  f.program(0, 3, 4);
  wave.clear();
  for (int i = 0; i < 8; ++i) f.ticks(1), wave += f.pit.out(0) ? 'H' : 'L';
  CHECK(wave == "HHLLHHLL");
}

TEST_CASE("8254 mode 1: a gate edge starts the pulse, another starts it again") {
  Fixture f;
  f.program(2, 1, 5);
  f.ticks(20);
  CHECK(f.pit.out(2));
  f.out(Pit8254::kPort61, 1);
  f.ticks(1);
  CHECK_FALSE(f.pit.out(2));
  f.ticks(2);
  f.out(Pit8254::kPort61, 0);
  f.out(Pit8254::kPort61, 1);
  f.ticks(5);
  CHECK_FALSE(f.pit.out(2));
  f.ticks(1);
  CHECK(f.pit.out(2));
}

TEST_CASE("8254 modes 4 and 5: one clock low after N") {
  Fixture f;
  f.program(2, 5, 3);
  f.program(0, 4, 3);
  f.out(Pit8254::kPort61, 1);
  std::string software, hardware;
  for (int i = 0; i < 7; ++i) {
    f.ticks(1);
    software += f.pit.out(0) ? 'H' : 'L';
    hardware += f.pit.out(2) ? 'H' : 'L';
  }
  CHECK(software == "HHHLHHH");
  CHECK(hardware == "HHHLHHH");
}

TEST_CASE("8254 gate: low pauses mode 0; stops mode 3 with OUT high, a rise reloads") {
  Fixture f;
  f.out(Pit8254::kPort61, 1);
  f.program(2, 0, 100);
  f.ticks(11);
  f.out(Pit8254::kPort61, 0);
  CHECK(f.count(2) == 90);
  f.ticks(50);
  CHECK(f.count(2) == 90);
  f.out(Pit8254::kPort61, 1);
  f.ticks(5);
  CHECK(f.count(2) == 85);
  f.program(2, 3, 100);
  f.ticks(60);
  CHECK_FALSE(f.pit.out(2));
  f.out(Pit8254::kPort61, 0);
  CHECK(f.pit.out(2));
  f.out(Pit8254::kPort61, 1);
  f.ticks(1);
  CHECK(f.count(2) == 100);
}

TEST_CASE("8254 BCD: counts in decimal, 0 is 10000") {
  Fixture f;
  f.program(0, 2, 0, true);
  f.ticks(2);
  CHECK(f.count(0) == 0x9999);
  f.program(0, 0, 0x0100, true);
  f.ticks(2);
  CHECK(f.count(0) == 0x0099);
}

TEST_CASE("8254 latch: holds until it is read, a second latch is ignored") {
  Fixture f;
  f.program(0, 2, 0x1000);
  f.ticks(1);
  f.out(3, 0x00);
  f.ticks(100);
  f.out(3, 0x00);
  CHECK(f.in(0) == 0x00);
  CHECK(f.in(0) == 0x10);
  CHECK((f.in(0) | f.in(0) << 8) == 0x1000 - 100);
}

TEST_CASE("8254 read-back: status first, then the count that was latched with it") {
  Fixture f;
  f.program(0, 2, 0x1234);
  f.ticks(1);
  f.out(3, 0xC2);
  f.ticks(7);
  CHECK(f.in(0) == 0xB4);  // OUT high, loaded, both bytes, mode 2, binary
  CHECK(f.in(0) == 0x34);
  CHECK(f.in(0) == 0x12);
}

TEST_CASE("8254 access: low byte only and high byte only") {
  Fixture f;
  f.out(3, 0x14);
  f.out(0, 0x80);
  f.ticks(1);
  CHECK(f.in(0) == 0x80);
  CHECK(f.in(0) == 0x80);
  f.out(3, 0x24);
  f.out(0, 0x12);
  f.ticks(1);
  CHECK(f.in(0) == 0x12);
}

TEST_CASE("port 61h: gate, speaker and OUT2; the refresh bit toggles with time") {
  Fixture f;
  f.program(2, 0, 100);
  f.out(Pit8254::kPort61, 3);
  CHECK((f.in(Pit8254::kPort61)&0x2F) == 0x03);
  f.ticks(102);
  CHECK((f.in(Pit8254::kPort61)&0x2F) == 0x23);
  CHECK(f.pit.speaker());
  const u32 before = f.in(Pit8254::kPort61)&0x10;
  f.ticks(18);
  CHECK((f.in(Pit8254::kPort61)&0x10) != before);
}
