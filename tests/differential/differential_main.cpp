// SPDX-License-Identifier: MIT
// differential [--cases N] [--seed S] [--keep-going]: N random programs from seed S on, under both
// engines.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/differential/runner.h"

using ring3::u64;

int main(int argc, char** argv) {
  u64 cases = 1'000'000, seed = 1, most = 1, found = 0;
  for (int n = 1; n < argc; ++n) {
    const std::string_view option = argv[n];
    if (option == "--keep-going") {
      most = 20;
    } else if (n + 1 < argc && (option == "--cases" || option == "--seed")) {
      (option == "--cases" ? cases : seed) = std::strtoull(argv[++n], nullptr, 0);
    } else {
      fmt::print(stderr, "differential [--cases N] [--seed S] [--keep-going]\n");
      return 1;
    }
  }
  ring3::differential::Runner runner;
  for (u64 n = 0; n < cases && found < most; ++n) {
    const std::string report = runner.check(seed + n);
    if (report.empty()) continue;
    ++found;
    fmt::print("differential --cases 1 --seed {}\n{}\n", seed + n, report);
    std::fflush(stdout);
  }
  fmt::print("{} programs from seed {}: {} instructions, {} ended by a handler, {} differences\n",
             cases, seed, runner.instructions(), runner.faults(), found);
  return found == 0 ? 0 : 1;
}
