// SPDX-License-Identifier: MIT
#include "devices/time_sources.h"

#include <catch2/catch.hpp>

using namespace ring3;

namespace {

/// Reads the time for `ns` of the host's; false if it ever goes back.
bool runs_for(HostTime& time, u64 ns) {
  const u64 end = host_monotonic_ns() + ns;
  for (Nanos before = time.now(); host_monotonic_ns() < end;) {
    const Nanos now = time.now();
    if (now < before) return false;
    before = now;
  }
  return true;
}

}  // namespace

TEST_CASE(
    "host time: steady ticks -> never goes back, a line that is the time and stays with the "
    "monotonic clock") {
  if (!host_ticks_steady()) return;
  HostTime time;
  const u64 start = host_monotonic_ns();
  REQUIRE(time.line());
  TickLine line;
  u64 ticks = 0;
  for (int tries = 0; !line.holds(ticks); ++tries) {  // another process may run in between
    REQUIRE(tries < 100);
    REQUIRE(runs_for(time, 50'000'000));
    line = *time.line();
    ticks = host_ticks();
  }
  const Nanos before = line.at(ticks);
  const Nanos now = time.now();
  CHECK(before <= now);
  const u64 real = host_monotonic_ns() - start;
  CHECK(now < real + 1'000'000);
}

TEST_CASE("host time: ticks that are not steady -> no line, the monotonic clock") {
  HostTime time(false);
  CHECK(time.line() == nullptr);
  CHECK(runs_for(time, 1'000'000));
  CHECK(time.now() >= 1'000'000);
}

TEST_CASE("host time: stopped -> stands still and goes on from there, without a line") {
  HostTime time;
  REQUIRE(runs_for(time, 15'000'000));
  time.stop();
  time.stop();
  const Nanos stopped = time.now();
  const u64 until = host_monotonic_ns() + 20'000'000;
  while (host_monotonic_ns() < until) {
  }
  CHECK(time.now() == stopped);
  time.go_on();
  if (time.line()) CHECK_FALSE(time.line()->holds(host_ticks()));
  const Nanos after = time.now();
  CHECK(after >= stopped);
  CHECK(runs_for(time, 15'000'000));
}
