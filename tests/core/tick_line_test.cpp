// SPDX-License-Identifier: MIT
#include "core/tick_line.h"

#include <catch2/catch.hpp>

using namespace ring3;

TEST_CASE("tick line: ticks of 4 GHz -> a nanosecond for each four, from its start on") {
  const TickLine line{.ticks = 1000, .limit = 400, .nanos = 50, .rate = u64{1} << 62};
  CHECK(line.at(1000) == 50);
  CHECK(line.at(1004) == 51);
  CHECK(line.at(1399) == 149);
}

TEST_CASE("tick line: before its start, at its limit, without a limit -> does not hold") {
  TickLine line{.ticks = 1000, .limit = 400, .nanos = 50, .rate = 1};
  CHECK(line.holds(1399));
  CHECK_FALSE(line.holds(1400));
  CHECK_FALSE(line.holds(999));
  line.limit = 0;
  CHECK_FALSE(line.holds(1000));
}
