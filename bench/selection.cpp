// SPDX-License-Identifier: MIT
#include "bench/selection.h"

#include <fmt/format.h>

#include <algorithm>

namespace ring3::bench {

namespace {

/// Boots a CD for each run: only by name.
constexpr std::string_view kSlow = "bochs";
/// The same programs once more: not what a name, a class or "all" means.
constexpr std::string_view kOnlyByName = "program32";

bool selects(const std::string& name, const Workload& w) {
  if (name == w.id() || name == w.suite) return true;
  if (w.suite == kOnlyByName) return false;
  return name == "all" || name == w.name || (!w.group.empty() && name == w.group);
}

/// Suites, classes and names.
std::string choices(const std::vector<Workload>& workloads) {
  std::vector<std::string> names = {"all"};
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const Workload& w : workloads) add(w.suite);
  for (const Workload& w : workloads) add(w.group);
  for (const Workload& w : workloads) add(w.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::ranges::find(list, name) != list.end();
}

Status check_names(const Options& options) {
  std::vector<std::string> known = emulator_names();
  for (const auto& [name, program] : options.also) known.push_back(name);
  for (const std::string& name : options.engines)
    if (!contains(known, name))
      return Error{
          fmt::format("--engines {}: no such engine; there are {}", name, fmt::join(known, ", "))};
  return success();
}

}  // namespace

bool is_linux_suite(const std::string& suite) { return !suite.starts_with("ring"); }

Available find_workloads(const Options& options) {
  Available available;
  available.workloads = machine_workloads();
  for (const auto find : {program_workloads, boot_workloads, disk_workloads, firmware_workloads}) {
    std::string why_not;
    for (Workload& w : find(options.guest, why_not)) available.workloads.push_back(std::move(w));
    if (!why_not.empty()) available.missing.push_back(why_not);
  }
  return available;
}

Result<std::vector<Workload>> choose_workloads(const Options& options, const Available& available) {
  std::vector<std::string> wanted = options.workloads;
  if (wanted.empty()) wanted = {"ring0", "ring3"};
  for (const std::string& name : wanted) {
    const auto selected = [&](const Workload& w) { return selects(name, w); };
    if (std::ranges::any_of(available.workloads, selected)) continue;
    for (const std::string& line : available.missing)
      if (line.starts_with(name.substr(0, name.find('/')) + ":"))
        return Error{fmt::format("--workloads {}: {}", name, line.substr(line.find(':') + 2))};
    return Error{fmt::format("--workloads {}: no such workload; there are {}{}{}", name,
                             choices(available.workloads), available.missing.empty() ? "" : "; ",
                             fmt::join(available.missing, "; "))};
  }
  std::vector<Workload> chosen;
  for (const Workload& w : available.workloads)
    if (std::ranges::any_of(wanted, [&](const std::string& name) { return selects(name, w); }))
      chosen.push_back(w);
  return chosen;
}

Result<std::vector<Emulator>> choose_engines(const Options& options,
                                             std::vector<EngineInfo>& infos) {
  if (Status known = check_names(options); !known) return Error{known.error()};
  std::vector<Emulator> chosen;
  const auto add = [&](const std::string& name, Result<Emulator> found) {
    infos.push_back({name, found ? found->version : "", found ? "" : found.error()});
    if (found) chosen.push_back(*found);
  };
  for (const std::string& name : emulator_names()) {
    if (options.engines.empty() ? name == kSlow : !contains(options.engines, name)) continue;
    auto found = find_emulator(name, options.emulator);
    if (!found && !options.engines.empty())
      return Error{fmt::format("--engines {}: {}; leave it out", name, found.error())};
    add(name, found);
  }
  for (const auto& [name, program] : options.also) {
    auto found = other_ring3(name, program, options.emulator);
    if (!found) return Error{fmt::format("--also {}={}: {}", name, program, found.error())};
    add(name, found);
  }
  return chosen;
}

}  // namespace ring3::bench
