// SPDX-License-Identifier: MIT
// What a benchmark measured, and its JSON file: format "ring3-bench", version kVersion. The file
// holds each round's figures; medians, spreads and ratios beside them are for readers and computed
// again when it is read.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "bench/statistics.h"

namespace ring3::bench {

inline constexpr int kVersion = 1;

/// The processor lacks what the workload needs.
inline constexpr const char* kUnsupported = "not supported";

/// Something that takes time: "ring0/cpuid", "program/fib", "boot/cloud".
struct Workload {
  std::string suite;  ///< ring0, ring3, program, program32, boot, disk, firmware
  std::string group;  ///< the class of a program; else empty
  std::string name;
  std::string unit;     ///< what is counted, for readers
  u64 operations = 1;   ///< single events in a unit
  u64 first_units = 1;  ///< of the run whose hash engines must agree on
  bool whole = false;   ///< a run is one unit, however long it takes
  std::string id() const { return suite + "/" + name; }
};

/// One run that counts.
struct Sample {
  u64 round = 0, units = 0;
  double ns = 0;  ///< a unit, by what its suite goes by: CPU time on the host or the guest's clock
  double cpu_ns = 0;        ///< a unit, the host's CPU; 0: not known
  double guest_cycles = 0;  ///< a unit; 0: not known
};

/// Exits or callouts of a unit.
struct ExitCount {
  unsigned reason = 0;  ///< VMX basic exit reason; 128 and more: there is none
  std::string name;
  double count = 0;
};

/// A workload under an engine.
struct Cell {
  std::vector<Sample> samples;
  std::string hash;   ///< of the state or checksum it left; empty: none
  std::string error;  ///< why runs are missing; kUnsupported is no failure
  std::vector<ExitCount> exits;
};

struct Row {
  Workload workload;
  std::map<std::string, Cell> cells;  ///< by engine
};

struct EngineInfo {
  std::string name, version;
  std::string left_out;  ///< why, if it did not run
};

/// Exits over the time of a boot, counted from its start at each point.
struct Timeline {
  std::string engine, workload;
  std::vector<double> seconds;
  std::map<std::string, std::vector<u64>> exits;  ///< by name, as many as seconds
};

struct Results {
  std::string date;                         ///< when it began, UTC
  std::map<std::string, std::string> host;  ///< cpu, kernel, load, ...
  std::map<std::string, std::string> options;
  std::vector<std::string> baselines;  ///< of each suite the first that measured something
  std::vector<EngineInfo> engines;     ///< in the order in which they ran
  std::vector<Row> rows;
  std::vector<Timeline> timelines;
  std::vector<std::string> failures;
  bool interrupted = false;
};

/// Nanoseconds of a unit over all rounds.
Spread time_spread(const Cell& cell);
/// Times over the baseline's of the same round; without it: nothing.
Spread ratio_spread(const Row& row, const std::string& engine, const std::string& baseline);
/// Empty: none was measured.
std::string baseline_of(const Results& results, const std::string& suite);
/// Lines about engines that do not agree on a workload's hash.
std::vector<std::string> disagreements(const Results& results);
/// Geometric means of the median ratios, by suite and class, then engine.
struct Group {
  std::string suite, group;
  std::map<std::string, double> ratio;
};
std::vector<Group> groups(const Results& results);

nlohmann::ordered_json to_json(const Results& results);
/// An error says what is wrong with the text.
Result<Results> parse_results(const std::string& text);

}  // namespace ring3::bench
