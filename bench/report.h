// SPDX-License-Identifier: MIT
// Results as tables for a terminal.
#pragma once

#include <string>
#include <string_view>

#include "bench/result.h"

namespace ring3::bench {

std::string time_text(double nanoseconds);
/// Median and, in the same unit, quartiles.
std::string spread_text(const Spread& spread);
std::string ratio_text(double ratio);

/// CPU time over native runs that the translator is to reach, by class of programs.
struct Goal {
  std::string_view group;
  double first, last;
};
/// Null: there is none.
const Goal* find_goal(const std::string& group);

/// Times, ratios over the baseline, means by class, what failed, and what they were measured on.
std::string report_text(const Results& results);

/// The same in short, as Markdown: times of ring0, ring3 and boot; means of programs by class.
std::string markdown_text(const Results& results);

/// Engines that measured something in a suite, in the order of the results; empty suite: in any.
std::vector<std::string> measured_engines(const Results& results, const std::string& suite = {});

}  // namespace ring3::bench
