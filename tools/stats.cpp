// SPDX-License-Identifier: MIT
#include "tools/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/summary_report.h"

namespace ring3 {

namespace {

struct Count {
  std::string_view reason;
  u64 times;
};

std::vector<Count> exits_of(const Cpu& cpu) {
  std::vector<Count> counts;
  for (size_t n = 0; n < cpu.exits.count.size(); ++n)
    if (cpu.exits.count[n] != 0)
      counts.push_back({exit_reason_name(static_cast<ExitReason>(n)), cpu.exits.count[n]});
  std::stable_sort(counts.begin(), counts.end(),
                   [](const Count& a, const Count& b) { return a.times > b.times; });
  return counts;
}

std::string kvm_text(const Kvm& kvm) {
  std::string text = "kvm\n";
  for (const KvmCounter& c : kvm.counters())
    text += fmt::format("  {:<24}{:14}\n", c.name, c.value);
  text += fmt::format("  ring 0 code is {}\n", kvm.emulates_kernel()
                                                   ? "emulated by KVM's software (KVM-PVM)"
                                                   : "run by the processor");
  if (!kvm.missing_features().empty())
    text += fmt::format("  not in its CPUID: {}\n", fmt::join(kvm.missing_features(), " "));
  return text;
}

nlohmann::ordered_json kvm_json(const Kvm& kvm) {
  nlohmann::ordered_json counters = nlohmann::ordered_json::object();
  for (const KvmCounter& c : kvm.counters()) counters[c.name] = c.value;
  return {{"emulates_kernel", kvm.emulates_kernel()},
          {"missing_features", kvm.missing_features()},
          {"counters", counters}};
}

/// Of the host's memory: all that the process has, the guest's RAM, the rest.
struct MemoryUse {
  u64 resident = host_resident_bytes();
  u64 guest;
  explicit MemoryUse(const Cpu& cpu) : guest(cpu.mmu.memory().resident_bytes()) {}
  u64 beyond() const { return resident - std::min(guest, resident); }
};

bool write_all(std::FILE* file, const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size();
}

}  // namespace

std::string stats_text(const Cpu& cpu, const RunTimes& times, const Summary& summary) {
  const double millions = static_cast<double>(cpu.state.instructions) / 1e6;
  std::string text = fmt::format("instructions      {:14}\n", cpu.state.instructions);
  text += fmt::format("guest seconds     {:14.3f}\n", times.guest_seconds);
  text += fmt::format("host CPU seconds  {:14.3f}\n", times.host_cpu_seconds);
  if (times.host_cpu_seconds > 0)
    text += fmt::format("million per CPU s {:14.1f}\n", millions / times.host_cpu_seconds);
  const MemoryUse memory(cpu);
  text += fmt::format("resident KiB      {:14}  of these {} guest RAM, {} beyond\n",
                      memory.resident >> 10, memory.guest >> 10, memory.beyond() >> 10);
  for (const Count& c : exits_of(cpu)) text += fmt::format("  {:<16}{:14}\n", c.reason, c.times);
  if (times.kvm) text += kvm_text(*times.kvm);
  return text + summary_text(summary_json(summary));
}

std::string stats_json(const Cpu& cpu, const RunTimes& times, const Summary& summary) {
  nlohmann::ordered_json exits = nlohmann::ordered_json::object();
  for (const Count& c : exits_of(cpu)) exits[std::string(c.reason)] = c.times;
  const MemoryUse memory(cpu);
  nlohmann::ordered_json all = {{"instructions", cpu.state.instructions},
                                {"guest_seconds", times.guest_seconds},
                                {"host_cpu_seconds", times.host_cpu_seconds},
                                {"resident_bytes", memory.resident},
                                {"guest_ram_bytes", memory.guest},
                                {"exits", exits}};
  all["translator"] = summary_json(summary);
  if (times.kvm) all["kvm"] = kvm_json(*times.kvm);
  return all.dump(2) + "\n";
}

Status write_stats(const Cpu& cpu, const RunTimes& times, const Summary& summary,
                   const Options& options) {
  if (options.stats == StatsFormat::None) return success();
  const bool json = options.stats == StatsFormat::Json;
  const std::string text = json ? stats_json(cpu, times, summary) : stats_text(cpu, times, summary);
  if (options.stats_file.empty()) {
    write_all(stderr, text);
    return success();
  }
  std::FILE* file = std::fopen(options.stats_file.c_str(), "w");
  const bool written = file && write_all(file, text);
  if (!file || std::fclose(file) != 0 || !written)
    return Error{
        fmt::format("-stats {}: cannot be written; give another file", options.stats_file)};
  return success();
}

}  // namespace ring3
