// SPDX-License-Identifier: MIT
#include "bench/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ring3::bench {

namespace {

std::string host_value(const Results& results, const std::string& what) {
  const auto found = results.host.find(what);
  return found == results.host.end() ? "unknown" : found->second;
}

/// Notes what differs of what times depend on.
bool same_host(const Results& before, const Results& now, std::vector<std::string>& notes) {
  bool same = true;
  for (const char* what : {"cpu", "processors", "kernel", "virtualization"}) {
    const std::string old = host_value(before, what), current = host_value(now, what);
    if (old == current) continue;
    same = false;
    notes.push_back(fmt::format("another host: {} was {}, is {}", what, old, current));
  }
  return same;
}

const Row* find_row(const Results& results, const std::string& id) {
  const auto found =
      std::ranges::find(results.rows, id, [](const Row& row) { return row.workload.id(); });
  return found == results.rows.end() ? nullptr : &*found;
}

/// The word of a line: "program/fib jit".
std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::Same:
      return "same";
    case Verdict::Slower:
      return "SLOWER";
    case Verdict::Faster:
      return "faster";
    case Verdict::TooFew:
      break;
  }
  return "too few rounds";
}

struct Both {
  const Results& before;
  const Results& now;
  bool times;  ///< may be compared
};

void compare_cell(const Both& both, const Row& old, const Row& row, const std::string& engine,
                  Comparison& out) {
  Change change{row.workload.id(), engine, false, {}, {}, Verdict::Same};
  const std::string& suite = row.workload.suite;
  const std::string base = baseline_of(both.now, suite);
  if (engine != base && base == baseline_of(both.before, suite)) {
    change.before = ratio_spread(old, engine, base);
    change.now = ratio_spread(row, engine, base);
  }
  change.ratio = change.before.count && change.now.count;
  if (!change.ratio) {
    if (!both.times) return;
    change.before = time_spread(old.cells.at(engine));
    change.now = time_spread(row.cells.at(engine));
  }
  if (!change.before.count || !change.now.count) return;
  change.verdict = judge(change.before, change.now);
  out.changes.push_back(change);
}

std::string value_text(const Change& change, const Spread& s) {
  if (change.ratio) return fmt::format("{:.3g} ({:.3g}..{:.3g})", s.median, s.q1, s.q3);
  return fmt::format("{:.4g} ns ({:.4g}..{:.4g})", s.median, s.q1, s.q3);
}

}  // namespace

Verdict judge(const Spread& before, const Spread& now) {
  if (before.count < kLeastRounds || now.count < kLeastRounds) return Verdict::TooFew;
  const double difference = now.median - before.median;
  const double noise = std::max({before.iqr(), now.iqr(), kFloor * before.median});
  if (std::abs(difference) <= noise) return Verdict::Same;
  return difference > 0 ? Verdict::Slower : Verdict::Faster;
}

bool Comparison::slower() const {
  return std::ranges::any_of(changes, [](const Change& c) { return c.verdict == Verdict::Slower; });
}

Comparison compare(const Results& before, const Results& now) {
  Comparison out;
  Both both{before, now, true};
  both.times = same_host(before, now, out.notes);
  if (!both.times) out.notes.push_back("times are not compared, ratios over the baseline are");
  for (const Row& row : now.rows) {
    const Row* old = find_row(before, row.workload.id());
    if (!old) {
      out.notes.push_back(fmt::format("{}: not in the old result", row.workload.id()));
      continue;
    }
    for (const EngineInfo& engine : now.engines)
      if (row.cells.contains(engine.name) && old->cells.contains(engine.name))
        compare_cell(both, *old, row, engine.name, out);
  }
  if (out.changes.empty()) out.notes.push_back("nothing of the two results can be compared");
  return out;
}

std::string comparison_text(const Comparison& comparison) {
  std::string text =
      "\nsince the old result: median (quartiles); beyond the noise are medians that "
      "differ by more than\nboth interquartile ranges and 5 %\n";
  for (const std::string& note : comparison.notes) text += fmt::format("  {}\n", note);
  size_t same = 0, few = 0;
  for (const Change& c : comparison.changes) {
    same += c.verdict == Verdict::Same;
    few += c.verdict == Verdict::TooFew;
    if (c.verdict == Verdict::Same || c.verdict == Verdict::TooFew) continue;
    text +=
        fmt::format("  {} {}: {} {:.2f} times: {} -> {}\n", c.workload, c.engine, word(c.verdict),
                    c.now.median / c.before.median, value_text(c, c.before), value_text(c, c.now));
  }
  text += fmt::format("  {} within the noise\n", same);
  if (few) text += fmt::format("  {} with fewer than {} rounds: not judged\n", few, kLeastRounds);
  return text;
}

}  // namespace ring3::bench
