// SPDX-License-Identifier: MIT
#include "bench/result.h"

#include <fmt/format.h>

#include <algorithm>

namespace ring3::bench {

Spread time_spread(const Cell& cell) {
  std::vector<double> values;
  for (const Sample& s : cell.samples) values.push_back(s.ns);
  return spread_of(std::move(values));
}

Spread ratio_spread(const Row& row, const std::string& engine, const std::string& baseline) {
  const auto ours = row.cells.find(engine), base = row.cells.find(baseline);
  if (ours == row.cells.end() || base == row.cells.end()) return {};
  std::vector<double> values;
  for (const Sample& s : ours->second.samples) {
    const auto& others = base->second.samples;
    const auto other = std::ranges::find(others, s.round, &Sample::round);
    if (other != others.end() && other->ns > 0) values.push_back(s.ns / other->ns);
  }
  return spread_of(std::move(values));
}

std::string baseline_of(const Results& results, const std::string& suite) {
  for (const std::string& name : results.baselines)
    for (const Row& row : results.rows) {
      const auto cell = row.cells.find(name);
      if (row.workload.suite == suite && cell != row.cells.end() && !cell->second.samples.empty())
        return name;
    }
  return {};
}

std::vector<std::string> disagreements(const Results& results) {
  std::vector<std::string> lines;
  for (const Row& row : results.rows) {
    std::string first, text;
    bool differ = false;
    for (const auto& [engine, cell] : row.cells) {
      if (cell.hash.empty()) continue;
      if (first.empty()) first = cell.hash;
      differ |= cell.hash != first;
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", engine, cell.hash);
    }
    if (differ) lines.push_back(fmt::format("{}: hashes differ: {}", row.workload.id(), text));
  }
  return lines;
}

std::vector<std::string> not_available(const Results& results) {
  std::vector<std::string> lines;
  for (const Row& row : results.rows)
    for (const auto& [engine, cell] : row.cells)
      if (cell.error.starts_with(kOnPvm))
        lines.push_back(fmt::format("{} {}: {}", engine, row.workload.id(), cell.error));
  return lines;
}

std::vector<Group> groups(const Results& results) {
  std::vector<Group> all;
  for (const Row& row : results.rows) {
    const auto same = [&](const Group& g) {
      return g.suite == row.workload.suite && g.group == row.workload.group;
    };
    if (std::ranges::none_of(all, same))
      all.push_back({row.workload.suite, row.workload.group, {}});
  }
  for (Group& group : all) {
    const std::string base = baseline_of(results, group.suite);
    for (const EngineInfo& engine : results.engines) {
      std::vector<double> ratios;
      for (const Row& row : results.rows) {
        if (row.workload.suite != group.suite || row.workload.group != group.group) continue;
        const Spread ratio = ratio_spread(row, engine.name, base);
        if (ratio.median > 0) ratios.push_back(ratio.median);
      }
      if (!ratios.empty()) group.ratio[engine.name] = geometric_mean(ratios);
    }
  }
  return all;
}

}  // namespace ring3::bench
