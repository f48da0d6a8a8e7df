// SPDX-License-Identifier: MIT
#include "mmu/code_places.h"

#include <catch2/catch.hpp>

using namespace ring3;

TEST_CASE("CodePlaces: the same pages -> the same place; another one of either -> another place") {
  CodePlaces places;
  const auto place = places.of_page(0x400, 0x1234);
  CHECK(places.of_page(0x400, 0x1234).number == place.number);
  CHECK(places.of_page(0x401, 0x1234).number != place.number);
  CHECK(places.of_page(0x400, 0x1235).number != place.number);
  CHECK(places.next().number != places.next().number);
}

TEST_CASE("CodePlaces: another space -> holds nothing; the first one again -> as it was") {
  CodePlaces places;
  const auto place = places.of_page(0x400, 0x1234), other = places.of_page(0x401, 0x1235);
  places.select(7);
  places.note(place);
  CHECK(places.holds(place));
  CHECK_FALSE(places.holds(other));
  places.select(8);
  CHECK_FALSE(places.holds(place));
  places.note(other);
  places.select(7);
  CHECK(places.holds(place));
  CHECK_FALSE(places.holds(other));
}

TEST_CASE("CodePlaces: more spaces than it keeps -> an old one holds nothing") {
  CodePlaces places;
  const auto place = places.of_page(0x400, 0x1234);
  for (u64 space = 1; space < 100; ++space) {
    places.select(space);
    CHECK_FALSE(places.holds(place));
    places.note(place);
    CHECK(places.holds(place));
  }
  places.select(1);
  CHECK_FALSE(places.holds(place));
}

TEST_CASE("CodePlaces: more places than slots -> the later one holds, and nothing after a change") {
  CodePlaces places;
  places.select(1);
  std::vector<CodePlaces::Place> all;
  for (u32 n = 0; n < 3 * CodePlaces::kSlots; ++n) {
    all.push_back(places.next());
    REQUIRE(all.back().number != CodePlaces::kNone);
    places.note(all.back());
    REQUIRE(places.holds(all.back()));
    if (n >= CodePlaces::kSlots) REQUIRE_FALSE(places.holds(all[n - CodePlaces::kSlots]));
  }
  places.select(2);
  for (const auto& place : all) REQUIRE_FALSE(places.holds(place));
}
