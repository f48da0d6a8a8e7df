// SPDX-License-Identifier: MIT
// The counters that -stats prints when the machine stops.
#pragma once

#include <string>

#include "core/cpu.h"
#include "tools/options.h"

namespace ring3 {

struct RunTimes {
  double guest_seconds = 0;     ///< of the guest's clock
  double host_cpu_seconds = 0;  ///< of this process
};

/// Instructions, times and exits by reason, most frequent first.
std::string stats_text(const Cpu& cpu, const RunTimes& times);
std::string stats_json(const Cpu& cpu, const RunTimes& times);

/// Writes what the options ask for.
Status write_stats(const Cpu& cpu, const RunTimes& times, const Options& options);

}  // namespace ring3
