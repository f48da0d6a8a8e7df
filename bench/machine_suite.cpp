// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "bench/exit_reasons.h"
#include "bench/target.h"
#include "bios/bench_guest.h"

namespace ring3::bench {

namespace {

namespace fs = std::filesystem;

constexpr double kBootSeconds = 60, kRunSeconds = 60, kEndSeconds = 20;
constexpr std::string_view kStarted = "hello from protected mode";

/// The guest runs an eighth more to warm up, and one.
u64 units_with_warm_up(u64 units) { return units + units / 8 + 1; }

struct Line {
  char name[64] = {}, hash[17] = {};
  unsigned ring = 0;
  unsigned long long units = 0, cycles = 0, ns = 0;
};

/// The format of bios/bench/bench.asm.
Result<Line> parse_line(const std::string& text) {
  Line line;
  const size_t at = text.find("bench: name=");
  if (at == std::string::npos ||
      std::sscanf(text.c_str() + at,
                  "bench: name=%63s ring=%u units=%llu cycles=%llu ns=%llu hash=%16s", line.name,
                  &line.ring, &line.units, &line.cycles, &line.ns, line.hash) != 6)
    return Error{fmt::format("not a result: {}", text)};
  return line;
}

class MachineTarget final : public Target {
 public:
  MachineTarget(const Emulator& emulator, fs::path work)
      : Target(emulator), work_(std::move(work)) {}

  /// What CPU time a run has besides its units, the clock's calibration above all.
  Status start() override {
    idle_ns_ = 0;
    Workload small = machine_workloads().front();
    small.suite = "ring3";
    const auto run = this->run(small, 1);
    if (!run) return Error{run.error()};
    idle_ns_ = (*run).cpu_ns;
    return success();
  }

  Result<Run> run(const Workload& workload, u64 units) override {
    auto console = launch(workload, units, {});
    if (!console) return Error{console.error()};
    return read_result(**console, units);
  }

  std::vector<ExitCount> exits(const Workload& workload) override {
    if (emulator_.kind != Kind::Ring3) return {};
    const u64 units = workload.first_units;
    const auto once = counts(workload, units), twice = counts(workload, 2 * units);
    const double more =
        static_cast<double>(units_with_warm_up(2 * units) - units_with_warm_up(units));
    std::vector<ExitCount> found;
    for (const auto& [name, count] : twice) {
      const auto before = once.find(name);
      const u64 base = before == once.end() ? 0 : before->second;
      const auto reason = exit_reason_number(name);
      if (count > base && reason)
        found.push_back({*reason, name, static_cast<double>(count - base) / more});
    }
    return found;
  }

 private:
  Result<std::unique_ptr<Console>> launch(const Workload& workload, u64 units,
                                          const std::vector<std::string>& more) {
    BenchChoice choice;
    choice.workloads = workload.name;
    choice.ring = static_cast<u8>(workload.suite == "ring0" ? 0 : 3);
    choice.units = units;
    const auto image = bench_guest_image(choice);
    if (!image) return Error{image.error()};
    GuestFiles guest;
    guest.kernel = (work_ / "bench-guest").string();
    guest.multiboot = true;
    std::ofstream file(guest.kernel, std::ios::binary);
    file.write(reinterpret_cast<const char*>((*image).data()),
               static_cast<std::streamsize>((*image).size()));
    file.close();
    if (!file) return Error{fmt::format("{}: cannot be written", guest.kernel)};
    return boot(emulator_, guest, work_, more);
  }

  Result<Run> read_result(Console& console, u64 units) {
    const auto started = console.find(kStarted, kBootSeconds);
    if (!started) return Error{started.error()};
    const u64 cpu = console.process().cpu_nanoseconds();
    const auto text = console.find("bench: name=", kRunSeconds);
    if (!text) return Error{text.error()};
    const u64 end = console.process().cpu_nanoseconds();  // 0: it has ended already
    const double all = end > cpu ? static_cast<double>(end - cpu) : 0;
    const auto line = parse_line(*text);
    if (!line) return Error{line.error()};
    if ((*line).units != units) return Error{fmt::format("ran other units: {}", *text)};
    Run run;
    const double share =
        static_cast<double>(units) / static_cast<double>(units_with_warm_up(units));
    run.cpu_ns = idle_ns_ > 0 ? std::max(0.0, all - idle_ns_) * share : all;
    run.ns = emulator_.kind == Kind::Bochs ? run.cpu_ns : static_cast<double>((*line).ns);
    run.guest_cycles = static_cast<double>((*line).cycles);
    run.hash = (*line).hash;
    return run;
  }

  std::map<std::string, u64> counts(const Workload& workload, u64 units) {
    const fs::path stats = work_ / "stats.json";
    std::error_code ignored;
    fs::remove(stats, ignored);
    auto console = launch(workload, units, {"-stats=json:" + stats.string()});
    if (!console || !(*console)->find("bench: done", kRunSeconds)) return {};
    (*console)->process().wait(static_cast<u64>(kEndSeconds * 1e9));
    std::ostringstream text;
    text << std::ifstream(stats).rdbuf();
    return exits_of_stats_json(text.str());
  }

  fs::path work_;
  double idle_ns_ = 0;
};

}  // namespace

std::vector<Workload> machine_workloads() {
  std::vector<Workload> all;
  for (const unsigned ring : {0, 3})
    for (const BenchWorkload& w : bench_workloads()) {
      if (w.units[ring / 3] == 0) continue;
      all.push_back({fmt::format("ring{}", ring), "", std::string(w.name), std::string(w.unit), 1,
                     w.units[ring / 3]});
    }
  return all;
}

std::unique_ptr<Target> machine_target(const Emulator& emulator, const fs::path& work) {
  return std::make_unique<MachineTarget>(emulator, work);
}

}  // namespace ring3::bench
