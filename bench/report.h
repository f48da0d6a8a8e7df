// SPDX-License-Identifier: MIT
// Results as tables for a terminal.
#pragma once

#include <string>

#include "bench/result.h"

namespace ring3::bench {

std::string time_text(double nanoseconds);
std::string ratio_text(double ratio);

/// Times, ratios over the baseline, means by class, what failed, and what they were measured on.
std::string report_text(const Results& results);

/// The same in short, as Markdown: times of ring0, ring3 and boot; means of programs by class.
std::string markdown_text(const Results& results);

/// Engines that measured something in a suite, in the order of the results; empty suite: in any.
std::vector<std::string> measured_engines(const Results& results, const std::string& suite = {});

}  // namespace ring3::bench
