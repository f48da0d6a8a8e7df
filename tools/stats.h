// SPDX-License-Identifier: MIT
// The counters that -stats prints when the machine stops.
#pragma once

#include <string>

#include "core/cpu.h"
#include "jit/summary.h"
#include "kvm/kvm.h"
#include "tools/options.h"

namespace ring3 {

struct RunTimes {
  double guest_seconds = 0;     ///< of the guest's clock
  double host_cpu_seconds = 0;  ///< of this process
  const Kvm* kvm = nullptr;     ///< the engine, if it is that one
};

/// Instructions, times, exits by reason and what the translator did, most frequent first.
std::string stats_text(const Cpu& cpu, const RunTimes& times, const Summary& summary);
std::string stats_json(const Cpu& cpu, const RunTimes& times, const Summary& summary);

/// Writes what the options ask for.
Status write_stats(const Cpu& cpu, const RunTimes& times, const Summary& summary,
                   const Options& options);

}  // namespace ring3
