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

}  // namespace ring3::bench
