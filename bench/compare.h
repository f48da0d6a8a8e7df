// SPDX-License-Identifier: MIT
// What became slower or faster since another result, beyond the noise. The rule: both have at least
// kLeastRounds rounds, the medians differ by more than the larger of the two interquartile ranges,
// and by more than kFloor. Compared are ratios over the baseline of the same round if both suites
// have the same one, else times, and those only on the same host.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"

namespace ring3::bench {

inline constexpr size_t kLeastRounds = 3;
inline constexpr double kFloor = 0.05;

enum class Verdict : u8 { Same, Slower, Faster, TooFew };

Verdict judge(const Spread& before, const Spread& now);

struct Change {
  std::string workload, engine;
  bool ratio = false;  ///< over the baseline, else nanoseconds of a unit
  Spread before, now;
  Verdict verdict = Verdict::Same;
};

struct Comparison {
  std::vector<Change> changes;     ///< of everything that both have
  std::vector<std::string> notes;  ///< what was not compared, and why
  bool slower() const;
};

Comparison compare(const Results& before, const Results& now);

std::string comparison_text(const Comparison& comparison);

}  // namespace ring3::bench
