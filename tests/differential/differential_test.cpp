// SPDX-License-Identifier: MIT
// The fast part of `differential`: RING3_NIGHTLY=1 runs a million programs.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "tests/differential/runner.h"

namespace ring3::differential {

TEST_CASE("jit vs interp: random programs in every mode -> the same state and memory") {
  const char* nightly = std::getenv("RING3_NIGHTLY");
  const u64 cases = nightly && *nightly == '1' ? 1'000'000 : 2'000;
  Runner runner;
  for (u64 seed = 1; seed <= cases; ++seed) {
    const std::string report = runner.check(seed);
    if (!report.empty()) FAIL("differential --cases 1 --seed " << seed << "\n" << report);
  }
  CHECK(runner.instructions() > 5 * cases);
}

TEST_CASE("jit vs interp: programs -> none looks at an undefined flag") {
  for (u64 seed = 1; seed <= 2000; ++seed) {
    INFO("seed " << seed << "\n" << listing(make_program(seed)));
    REQUIRE(looks_at_defined_flags(make_program(seed)));
  }
}

TEST_CASE("jit vs interp: a seed -> always the same program") {
  CHECK(make_program(7).assemble() == make_program(7).assemble());
  CHECK(make_program(7).assemble() != make_program(8).assemble());
}

}  // namespace ring3::differential
