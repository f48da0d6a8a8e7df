// SPDX-License-Identifier: MIT
#include "bench/compare.h"

#include <catch2/catch.hpp>

#include "tests/bench/fabricated.h"

using namespace ring3::bench;

namespace {

const std::vector<double> kQemu = {100, 100, 100};

Verdict verdict_of(const std::vector<double>& before, const std::vector<double>& now) {
  return judge(spread_of(before), spread_of(now));
}

/// Of the translator on ring0/cpuid.
Change cpuid_change(const Comparison& comparison) {
  for (const Change& c : comparison.changes)
    if (c.workload == "ring0/cpuid" && c.engine == "jit") return c;
  return {};
}

}  // namespace

TEST_CASE("judge: medians apart by more than both quartile ranges -> slower or faster") {
  CHECK(verdict_of({10, 11, 12}, {14, 15, 16}) == Verdict::Slower);
  CHECK(verdict_of({14, 15, 16}, {10, 11, 12}) == Verdict::Faster);
}

TEST_CASE("judge: medians apart by less than one quartile range -> the same") {
  CHECK(verdict_of({10, 11, 12}, {10, 12, 20}) == Verdict::Same);
  CHECK(verdict_of({5, 11, 20}, {12, 13, 14}) == Verdict::Same);
}

TEST_CASE("judge: less than the floor of 5 % -> the same, however quiet") {
  CHECK(verdict_of({100, 100, 100}, {104, 104, 104}) == Verdict::Same);
  CHECK(verdict_of({100, 100, 100}, {106, 106, 106}) == Verdict::Slower);
}

TEST_CASE("judge: fewer than three rounds -> no verdict") {
  CHECK(verdict_of({10, 10}, {20, 20, 20}) == Verdict::TooFew);
  CHECK(verdict_of({10, 10, 10}, {20}) == Verdict::TooFew);
}

TEST_CASE("compare: ratios over the baseline -> a slower machine is no regression") {
  const auto same =
      compare(fabricated(kQemu, {50, 50, 50}), fabricated({200, 200, 200}, {100, 100, 100}));
  CHECK(cpuid_change(same).ratio);
  CHECK(cpuid_change(same).verdict == Verdict::Same);
  const auto slower = compare(fabricated(kQemu, {50, 50, 50}), fabricated(kQemu, {60, 60, 60}));
  CHECK(cpuid_change(slower).verdict == Verdict::Slower);
  CHECK(slower.slower());
  CHECK(comparison_text(slower).find("ring0/cpuid jit: SLOWER 1.20 times") != std::string::npos);
}

TEST_CASE("compare: the baseline itself -> its times, on the same host only") {
  auto before = fabricated(kQemu, {50, 50, 50}), now = fabricated({200, 200, 200}, {100, 100, 100});
  CHECK(compare(before, now).slower());
  now.host["cpu"] = "another";
  const auto other = compare(before, now);
  CHECK_FALSE(other.slower());
  CHECK(other.notes.front().find("cpu was fabricated, is another") != std::string::npos);
}

TEST_CASE("compare: another baseline -> times") {
  auto before = fabricated(kQemu, {50, 50, 50}), now = before;
  now.baselines = {"jit"};
  for (const Change& c : compare(before, now).changes) CHECK_FALSE(c.ratio);
}

TEST_CASE("compare: nothing in common -> says so, and is not slower") {
  auto now = fabricated(kQemu, {50, 50, 50});
  for (Row& row : now.rows) row.workload.name += "2";
  const auto comparison = compare(fabricated(kQemu, {50, 50, 50}), now);
  CHECK(comparison.changes.empty());
  CHECK_FALSE(comparison.slower());
  CHECK(comparison_text(comparison).find("nothing") != std::string::npos);
}
