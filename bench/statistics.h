// SPDX-License-Identifier: MIT
// Medians with their spread. Quartiles are interpolated linearly between the sorted values.
#pragma once

#include <cstddef>
#include <vector>

namespace ring3::bench {

struct Spread {
  size_t count = 0;
  double median = 0, q1 = 0, q3 = 0, min = 0, max = 0;
  /// The interquartile range.
  double iqr() const { return q3 - q1; }
};

/// All zero without values.
Spread spread_of(std::vector<double> values);

/// 0 without values. All must be positive.
double geometric_mean(const std::vector<double>& values);

}  // namespace ring3::bench
