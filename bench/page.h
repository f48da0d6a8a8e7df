// SPDX-License-Identifier: MIT
// Results as one HTML file that needs nothing else: the JSON, Chart.js (Debian package
// libjs-chart.js, MIT) and page/* are inside.
#pragma once

#include <string>

#include "bench/result.h"

namespace ring3::bench {

std::string page_text(const Results& results);

}  // namespace ring3::bench
