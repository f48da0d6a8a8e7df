// SPDX-License-Identifier: MIT
// The bench guest, bench/*.asm: the same workloads in ring 0 and in ring 3, timed and hashed, a
// line each on COM1 (the format is in bench/bench.asm). It is a Multiboot kernel that any PC can
// boot.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bios/load_target.h"

namespace ring3 {

struct BenchWorkload {
  std::string_view name;
  u64 units[2];           ///< by default in ring 0 and in ring 3; 0: it does not run there
  std::string_view unit;  ///< what one unit is
};

/// All of them, in the order in which the guest runs them (bench/workloads.def).
const std::vector<BenchWorkload>& bench_workloads();

/// What a run of the guest is to measure.
struct BenchChoice {
  std::string workloads;     ///< names with + in between; empty: all
  std::optional<u8> ring;    ///< 0 or 3; none: both
  std::optional<u64> units;  ///< of each; none: as many as each has by default
  bool operator==(const BenchChoice&) const = default;
};

/// The image, a flat file that is a Multiboot kernel. An error names the choice and the way out.
Result<std::vector<u8>> bench_guest_image(const BenchChoice& choice);

Result<EntryState> load_bench_guest(const LoadTarget& target, const BenchChoice& choice);

}  // namespace ring3
