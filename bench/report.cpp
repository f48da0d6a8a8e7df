// SPDX-License-Identifier: MIT
#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace ring3::bench {

namespace {

constexpr Goal kGoals[] = {{"integer", 2.2, 1.3}, {"memory", 3, 1.3}, {"simd", 1.5, 1.1},
                           {"selfmod", 100, 20},  {"system", 4, 2.5}, {"real", 3.5, 1.7}};

struct TimeUnit {
  double size;  ///< ns
  std::string_view name;
};

TimeUnit unit_of(double nanoseconds) {
  for (const TimeUnit& unit : {TimeUnit{1e9, "s"}, TimeUnit{1e6, "ms"}, TimeUnit{1e3, "us"}})
    if (nanoseconds >= unit.size) return unit;
  return {1, "ns"};
}

constexpr int kNameWidth = 24, kCellWidth = 22;

std::string cell_text(const Row& row, const std::string& engine, const std::string& baseline) {
  const auto found = row.cells.find(engine);
  if (found == row.cells.end()) return "-";
  const Cell& cell = found->second;
  if (cell.samples.empty())
    return cell.error.empty() || cell.error == kUnsupported || cell.error.starts_with(kOnPvm)
               ? "-"
               : "FAILED";
  const Spread time = time_spread(cell);
  const Spread ratio = ratio_spread(row, engine, baseline);
  if (engine == baseline || !ratio.count) return time_text(time.median);
  return fmt::format("{} ({}..{})", ratio_text(ratio.median), ratio_text(ratio.q1),
                     ratio_text(ratio.q3));
}

std::string heading_of(const std::string& suite, const std::string& group) {
  return group.empty() ? suite : suite + " " + group;
}

std::string_view verdict_on(double ratio, const Goal& goal) {
  if (ratio > goal.first) return "MISSED";
  return ratio <= goal.last ? "both hold" : "the first holds";
}

std::string mean_lines(const Results& results, const std::vector<std::string>& names) {
  std::string text;
  for (const Group& group : groups(results)) {
    if (group.ratio.empty()) continue;
    text += fmt::format("  {:<{}}", heading_of(group.suite, group.group), kNameWidth);
    for (const std::string& name : names) {
      const auto mean = group.ratio.find(name);
      text += fmt::format("{:>{}}", mean == group.ratio.end() ? "-" : ratio_text(mean->second),
                          kCellWidth);
    }
    const Goal* goal = find_goal(group.group);
    const auto jit = group.ratio.find("jit");
    if (baseline_of(results, group.suite) == "native" && goal && jit != group.ratio.end())
      text += fmt::format("   goal of jit {}, then {}: {}", goal->first, goal->last,
                          verdict_on(jit->second, *goal));
    text += '\n';
  }
  return text.empty() ? text : "geometric means\n" + text;
}

/// Where the translator is slower than QEMU's.
std::string cliff_line(const Results& results) {
  std::vector<std::pair<double, std::string>> slower;
  bool both = false;
  for (const Row& row : results.rows) {
    const Spread ratio = ratio_spread(row, "jit", "qemu-tcg");
    both |= ratio.count > 0;
    if (ratio.median > 1) slower.emplace_back(ratio.median, row.workload.id());
  }
  if (!both) return {};
  std::sort(slower.rbegin(), slower.rend());
  std::string text = "jit slower than qemu-tcg:";
  for (const auto& [ratio, id] : slower) text += fmt::format(" {} {}", id, ratio_text(ratio));
  return text + (slower.empty() ? " nowhere\n" : "\n");
}

}  // namespace

const Goal* find_goal(const std::string& group) {
  const auto found = std::ranges::find(kGoals, group, &Goal::group);
  return found == std::end(kGoals) ? nullptr : &*found;
}

std::vector<std::string> measured_engines(const Results& results, const std::string& suite) {
  std::vector<std::string> names;
  for (const EngineInfo& e : results.engines)
    if (std::ranges::any_of(results.rows, [&](const Row& row) {
          const auto cell = row.cells.find(e.name);
          return (suite.empty() || row.workload.suite == suite) && cell != row.cells.end() &&
                 !cell->second.samples.empty();
        }))
      names.push_back(e.name);
  return names;
}

std::string ratio_text(double ratio) {
  return ratio < 1000 ? fmt::format("{:.3g}", ratio) : fmt::format("{:.0f}", ratio);
}

std::string time_text(double nanoseconds) {
  const TimeUnit unit = unit_of(nanoseconds);
  return fmt::format("{:.3g} {}", nanoseconds / unit.size, unit.name);
}

std::string spread_text(const Spread& s) {
  const double size = unit_of(s.median).size;
  return fmt::format("{} ({:.3g}..{:.3g})", time_text(s.median), s.q1 / size, s.q3 / size);
}

std::string report_text(const Results& results) {
  const auto names = measured_engines(results);
  std::string text = fmt::format(
      "\nthe baseline's time of a unit; the others' over it in the same round: median "
      "(quartiles)\n{:{}}",
      "", kNameWidth + 2);
  for (const std::string& name : names) text += fmt::format("{:>{}}", name, kCellWidth);
  std::string heading, base;
  for (const Row& row : results.rows) {
    const std::string group = heading_of(row.workload.suite, row.workload.group);
    if (group != heading) {
      base = baseline_of(results, row.workload.suite);
      text += fmt::format("\n{}: over {}", group, base);
    }
    heading = group;
    text += fmt::format("\n  {:<{}}", row.workload.name, kNameWidth);
    for (const std::string& name : names)
      text += fmt::format("{:>{}}", cell_text(row, name, base), kCellWidth);
  }
  text += "\n" + mean_lines(results, names) + cliff_line(results) + "host\n";
  for (const auto& [what, value] : results.host) text += fmt::format("  {}: {}\n", what, value);
  for (const EngineInfo& e : results.engines)
    text += e.left_out.empty() ? fmt::format("  {}: {}\n", e.name, e.version)
                               : fmt::format("  {}: not available: {}\n", e.name, e.left_out);
  for (const std::string& line : not_available(results))
    text += fmt::format("not available: {}\n", line);
  for (const std::string& failure : results.failures) text += fmt::format("FAILED: {}\n", failure);
  for (const std::string& line : disagreements(results)) text += fmt::format("FAILED: {}\n", line);
  if (results.interrupted) text += "interrupted: this is what was measured until then\n";
  return text;
}

}  // namespace ring3::bench
