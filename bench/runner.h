// SPDX-License-Identifier: MIT
// Rounds: every workload goes round the engines, so that a machine's good and bad minutes meet all
// of them. The first time, a run's number of units is found so that it takes long enough.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "bench/target.h"

namespace ring3::bench {

struct Plan {
  u64 rounds = 5;
  std::optional<double> seconds;  ///< that one run takes; none: as long as its suite asks for
  bool exits = true;              ///< count them, after the rounds

  double seconds_of(std::string_view suite) const;
};

/// Workloads that share a guest.
struct Suite {
  std::vector<size_t> rows;  ///< of the results
  std::vector<std::unique_ptr<Target>> targets;
};

class Runner {
 public:
  using Progress = std::function<void(const std::string& line)>;

  /// `saved`: called when a round is complete.
  Runner(Results& results, std::vector<Suite> suites, const Plan& plan, Progress progress,
         std::function<void()> saved);
  /// Returns early at Ctrl-C: the results say so.
  void run();

 private:
  void round(Suite& suite, u64 number);
  void row(Suite& suite, Row& row, u64 number);
  bool sample(Target& target, Row& row, u64 number);
  Result<Run> sized_run(Target& target, Row& row, u64& units);
  void count_exits(Suite& suite);
  bool stopped();
  void fail(Cell* cell, const std::string& what, const std::string& why);
  void check_hash(const Workload& workload, const std::string& engine, Cell& cell, u64 units,
                  const std::string& hash);

  Results& results_;
  std::vector<Suite> suites_;
  Plan plan_;
  Progress progress_;
  std::function<void()> saved_;
  size_t done_ = 0, steps_ = 0;
  std::map<std::string, u64> units_;  ///< by engine and workload: of a run that is long enough
  std::set<std::string> given_up_;    ///< the same, and engines whose guest does not start
};

}  // namespace ring3::bench
