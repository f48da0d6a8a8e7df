// SPDX-License-Identifier: MIT
#include "bench/runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/host_info.h"
#include "bench/report.h"

namespace ring3::bench {

namespace {

constexpr double kNativeShare = 0.4;  // of a run's time
constexpr double kEnough = 0.5;       // a run of this share of it counts
constexpr u64 kFastestGrowth = 1000;

std::string key(const Target& target, const Workload& workload) {
  return target.name() + " " + workload.id();
}

/// What start() prepares is each suite's own.
std::string start_key(const Target& target, const Workload& first) {
  return target.name() + " guest of " + first.suite;
}

}  // namespace

/// Real programs run code that is new to a translator: a short run would measure little else.
double Plan::seconds_of(std::string_view suite) const {
  return seconds.value_or(suite.starts_with("program") ? 0.5 : 0.1);
}

Runner::Runner(Results& results, std::vector<Suite> suites, const Plan& plan, Progress progress,
               std::function<void()> saved)
    : results_(results),
      suites_(std::move(suites)),
      plan_(plan),
      progress_(std::move(progress)),
      saved_(std::move(saved)) {
  for (const Suite& suite : suites_) steps_ += suite.rows.size() * plan_.rounds;
}

bool Runner::stopped() {
  results_.interrupted |= InterruptWatch::asked();
  return results_.interrupted;
}

void Runner::fail(Cell* cell, const std::string& what, const std::string& why) {
  if (stopped()) return;
  if (cell) cell->error = why;
  results_.failures.push_back(fmt::format("{}: {}", what, why));
  progress_(fmt::format("FAILED: {}", results_.failures.back()));
}

void Runner::run() {
  for (u64 number = 1; number <= plan_.rounds && !stopped(); ++number) {
    for (Suite& suite : suites_)
      if (!stopped()) round(suite, number);
    saved_();
  }
  if (!plan_.exits || stopped()) return;
  for (Suite& suite : suites_) count_exits(suite);
  stopped();
}

void Runner::round(Suite& suite, u64 number) {
  const Workload& first = results_.rows[suite.rows.front()].workload;
  for (auto& target : suite.targets) {
    if (stopped()) break;
    if (given_up_.contains(start_key(*target, first))) continue;
    const Status started = target->start();
    if (started) continue;
    given_up_.insert(start_key(*target, first));
    fail(nullptr, start_key(*target, first), started.error());
  }
  for (const size_t at : suite.rows) {
    if (stopped()) break;
    row(suite, results_.rows[at], number);
  }
  for (auto& target : suite.targets) target->stop();
}

void Runner::row(Suite& suite, Row& row, u64 number) {
  const Workload& first = results_.rows[suite.rows.front()].workload;
  std::string line;
  for (auto& target : suite.targets) {
    if (stopped()) return;
    if (given_up_.contains(start_key(*target, first)) ||
        given_up_.contains(key(*target, row.workload)))
      continue;
    if (!sample(*target, row, number)) continue;
    const Sample& s = row.cells[target->name()].samples.back();
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", target->name(), time_text(s.ns));
  }
  progress_(fmt::format("[{}/{}] round {} {}: {}", ++done_, steps_, number, row.workload.id(),
                        line.empty() ? "nothing" : line));
}

/// False: there is none.
bool Runner::sample(Target& target, Row& row, u64 number) {
  Cell& cell = row.cells[target.name()];
  u64 units = 0;
  auto run = sized_run(target, row, units);
  if (!run && target.is_kvm() && has_only_pvm() && run.error() != kInterrupted)
    cell.error = kOnPvm + run.error();
  else if (!run)
    fail(&cell, key(target, row.workload), run.error());
  if (run && (*run).unsupported) cell.error = kUnsupported;
  if (!run || (*run).unsupported) {
    given_up_.insert(key(target, row.workload));
    return false;
  }
  const double n = static_cast<double>(units);
  cell.samples.push_back({number, units, run->ns / n, run->cpu_ns / n, run->guest_cycles / n});
  return true;
}

Result<Run> Runner::sized_run(Target& target, Row& row, u64& units) {
  const std::string name = key(target, row.workload);
  const double wanted =
      plan_.seconds_of(row.workload.suite) * 1e9 * (target.name() == "native" ? kNativeShare : 1);
  const auto known = units_.find(name);
  units = known == units_.end() ? row.workload.first_units : known->second;
  for (;;) {
    Result<Run> run = target.run(row.workload, units);
    if (!run || run->unsupported) return run;
    check_hash(row.workload, target.name(), row.cells[target.name()], units, run->hash);
    if (row.workload.whole || known != units_.end() || run->ns >= kEnough * wanted) {
      units_[name] = units;
      return run;
    }
    const double more = static_cast<double>(units) * wanted / std::max(run->ns, 1.0);
    const double most = static_cast<double>(units) * static_cast<double>(kFastestGrowth);
    units = std::max(units + 1, static_cast<u64>(std::min(more, most)));
  }
}

/// Programs leave the same checksum whatever their number of units; the bench guest's hash is of
/// all it did.
void Runner::check_hash(const Workload& workload, const std::string& engine, Cell& cell, u64 units,
                        const std::string& hash) {
  if (hash.empty()) return;
  if (workload.suite.starts_with("ring") && units != workload.first_units) return;
  if (cell.hash.empty()) cell.hash = hash;
  if (cell.hash == hash) return;
  fail(&cell, engine + " " + workload.id(),
       fmt::format("hash {}, before it was {}", hash, cell.hash));
}

void Runner::count_exits(Suite& suite) {
  for (const size_t at : suite.rows) {
    Row& row = results_.rows[at];
    for (auto& target : suite.targets) {
      const auto cell = row.cells.find(target->name());
      if (stopped() || cell == row.cells.end() || cell->second.samples.empty()) continue;
      cell->second.exits = target->exits(row.workload);
    }
  }
}

}  // namespace ring3::bench
