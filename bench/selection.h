// SPDX-License-Identifier: MIT
// Names on the command line to workloads and engines of this host.
#pragma once

#include "bench/command.h"

namespace ring3::bench {

/// What is here, and lines about what is not.
struct Available {
  std::vector<Workload> workloads;
  std::vector<std::string> missing;
};
Available find_workloads(const Options& options);

/// An error names what there is.
Result<std::vector<Workload>> choose_workloads(const Options& options, const Available& available);

/// Those that were asked for, or all that are installed; the others are left out in `infos`. An
/// error: one that was asked for is not there.
Result<std::vector<Emulator>> choose_engines(const Options& options,
                                             std::vector<EngineInfo>& infos);

bool is_linux_suite(const std::string& suite);

}  // namespace ring3::bench
