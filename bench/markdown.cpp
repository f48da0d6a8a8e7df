// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "bench/report.h"

namespace ring3::bench {

namespace {

std::string table_head(const std::string& first, const std::vector<std::string>& engines) {
  std::string text = fmt::format("\n| {} |", first), line = "\n|---|";
  for (const std::string& engine : engines) {
    text += fmt::format(" {} |", engine);
    line += "---|";
  }
  return text + line + "\n";
}

std::string cell_of(const Row& row, const std::string& engine) {
  const auto cell = row.cells.find(engine);
  if (cell == row.cells.end() || cell->second.samples.empty()) return " - |";
  return fmt::format(" {} |", spread_text(time_spread(cell->second)));
}

std::string times_table(const Results& results, const std::string& suite) {
  const auto engines = measured_engines(results, suite);
  std::string text = table_head(suite, engines);
  for (const Row& row : results.rows) {
    if (row.workload.suite != suite) continue;
    text += fmt::format("| {} |", row.workload.name);
    for (const std::string& engine : engines) text += cell_of(row, engine);
    text += '\n';
  }
  return text;
}

std::string goal_of(const std::string& group) {
  const Goal* goal = find_goal(group);
  return goal ? fmt::format(" {:g}, then {:g} |", goal->first, goal->last) : " - |";
}

/// Goals are ratios over native runs.
std::string means_table(const Results& results, const std::string& suite) {
  const auto engines = measured_engines(results, suite);
  const std::string base = baseline_of(results, suite);
  std::vector<std::string> columns = engines;
  if (base == "native") columns.emplace_back("goal of jit");
  std::string text = table_head(fmt::format("{}: geometric mean over {}", suite, base), columns);
  for (const Group& group : groups(results)) {
    if (group.suite != suite) continue;
    text += fmt::format("| {} |", group.group);
    for (const std::string& engine : engines) {
      const auto mean = group.ratio.find(engine);
      text += mean == group.ratio.end() ? " - |" : fmt::format(" {} |", ratio_text(mean->second));
    }
    text += (base == "native" ? goal_of(group.group) : "") + '\n';
  }
  return text;
}

}  // namespace

std::string markdown_text(const Results& results) {
  std::string text, last;
  for (const Row& row : results.rows) {
    const std::string& suite = row.workload.suite;
    if (suite != last)
      text +=
          suite.starts_with("program") ? means_table(results, suite) : times_table(results, suite);
    last = suite;
  }
  text += '\n';
  for (const char* what : {"cpu", "processors", "virtualization", "kernel", "kvm", "load"})
    if (const auto found = results.host.find(what); found != results.host.end())
      text +=
          fmt::format("{}{}: {}", what == std::string_view("cpu") ? "" : "; ", what, found->second);
  text += fmt::format("; {}.", results.date);
  for (const EngineInfo& e : results.engines)
    text += e.left_out.empty() ? "" : fmt::format(" Not available: {}: {}.", e.name, e.left_out);
  for (const std::string& line : not_available(results))
    text += fmt::format(" Not available: {}.", line);
  for (const std::string& failure : results.failures) text += fmt::format(" Failed: {}.", failure);
  for (const std::string& line : disagreements(results)) text += fmt::format(" Failed: {}.", line);
  return text + "\n";
}

}  // namespace ring3::bench
