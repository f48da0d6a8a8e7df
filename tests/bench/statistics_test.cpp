// SPDX-License-Identifier: MIT
#include "bench/statistics.h"

#include <catch2/catch.hpp>

using namespace ring3::bench;

TEST_CASE("spread: odd and even counts -> median and interpolated quartiles") {
  const Spread odd = spread_of({5, 1, 3});
  CHECK(odd.count == 3);
  CHECK(odd.median == 3);
  CHECK(odd.q1 == 2);
  CHECK(odd.q3 == 4);
  CHECK(odd.min == 1);
  CHECK(odd.max == 5);
  const Spread even = spread_of({4, 1, 3, 2});
  CHECK(even.median == 2.5);
  CHECK(even.q1 == 1.75);
  CHECK(even.iqr() == 1.5);
}

TEST_CASE("spread: one value and none -> no range") {
  CHECK(spread_of({7}).iqr() == 0);
  CHECK(spread_of({7}).median == 7);
  CHECK(spread_of({}).count == 0);
}

TEST_CASE("geometric mean: of 2 and 8 -> 4") {
  CHECK(geometric_mean({2, 8}) == Approx(4));
  CHECK(geometric_mean({}) == 0);
}
