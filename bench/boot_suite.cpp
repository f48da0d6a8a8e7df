// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "bench/bochs.h"
#include "bench/exit_reasons.h"
#include "bench/target.h"
#include "host/waiter.h"

namespace ring3::bench {

namespace {

namespace fs = std::filesystem;

constexpr double kBootSeconds = 600, kAnswerSeconds = 10;
constexpr std::string_view kInit = "ring3-test: init reached", kDone = "ring3-test: done";
constexpr std::string_view kSelfTest = "-selftest";
constexpr double kSeconds = 1e9;
constexpr u64 kBetweenPoints = 40'000'000;  // ns

GuestFiles files_of(const LinuxGuest& guest, std::string_view name) {
  return {fmt::format("{}/{}/vmlinuz", guest.folder, name),
          fmt::format("{}/{}/initrd-test.gz", guest.folder, name), "console=ttyS0", guest.megabytes,
          false};
}

std::string_view guest_of(const Workload& workload) {
  std::string_view name = workload.name;
  if (name.ends_with(kSelfTest)) name.remove_suffix(kSelfTest.size());
  return name;
}

class Boot final : public Target {
 public:
  Boot(const Emulator& e, LinuxGuest guest, fs::path work)
      : Target(e), guest_(std::move(guest)), work_(std::move(work)) {}

  /// Of Bochs without the time until its loader has the kernel.
  Result<Run> run(const Workload& workload, u64) override {
    const GuestFiles files = files_of(guest_, guest_of(workload));
    auto console = boot(emulator_, files, work_);
    if (!console) return Error{console.error()};
    double start = 0;
    if (emulator_.kind == Kind::Bochs) {
      const auto loaded = (*console)->find(kBochsLoaded, kBootSeconds);
      if (!loaded) return Error{loaded.error()};
      start = static_cast<double>((*console)->process().cpu_nanoseconds());
    }
    const auto line =
        (*console)->find(workload.name.ends_with(kSelfTest) ? kDone : kInit, kBootSeconds);
    if (!line) return Error{line.error()};
    Run run;
    run.ns = run.cpu_ns = static_cast<double>((*console)->process().cpu_nanoseconds()) - start;
    return run;
  }

 private:
  LinuxGuest guest_;
  fs::path work_;
};

bool has_line(const fs::path& file, std::string_view text) {
  std::ostringstream all;
  all << std::ifstream(file).rdbuf();
  return all.str().find(text) != std::string::npos;
}

void add_point(Timeline& line, double seconds, const std::map<std::string, u64>& exits) {
  line.seconds.push_back(seconds);
  for (const auto& [name, count] : exits) {
    auto& counts = line.exits[name];
    counts.resize(line.seconds.size() - 1, 0);
    counts.push_back(count);
  }
  for (auto& [name, counts] : line.exits)
    counts.resize(line.seconds.size(), counts.empty() ? 0 : counts.back());
}

}  // namespace

std::vector<Workload> boot_workloads(const LinuxGuest& guest, std::string& why_not) {
  std::vector<Workload> all;
  std::error_code bad;
  for (const char* name : {"cloud", "amd64", "686", "686-pae"}) {
    const GuestFiles files = files_of(guest, name);
    if (!fs::exists(files.kernel) || !fs::exists(files.initrd)) continue;
    all.push_back({"boot", "", name, "to /init", 1, 1, true});
    all.push_back(
        {"boot", "", name + std::string(kSelfTest), "to the end of its self-test", 1, 1, true});
  }
  if (all.empty())
    why_not = fmt::format(
        "boot: no kernels in {}; get them by tools/fetch-guest, or give "
        "--guests FOLDER",
        guest.folder);
  return all;
}

std::unique_ptr<Target> boot_target(const Emulator& emulator, const LinuxGuest& guest,
                                    const fs::path& work) {
  return std::make_unique<Boot>(emulator, guest, work);
}

/// The monitor is asked for the counters again and again.
Result<Timeline> boot_timeline(const Emulator& emulator, const LinuxGuest& guest,
                               const fs::path& work) {
  const fs::path serial = work / "serial";
  std::error_code ignored;
  fs::remove(serial, ignored);
  auto console = boot(emulator, files_of(guest, guest.name), work,
                      {"-serial", "file:" + serial.string(), "-monitor", "stdio"});
  if (!console) return Error{console.error()};
  Timeline line{emulator.name, "boot/" + guest.name, {}, {}};
  constexpr std::string_view kPrompt = "(ring3) ";
  if (const auto ready = (*console)->read_to(kPrompt, kAnswerSeconds); !ready)
    return Error{ready.error()};
  const u64 start = host_monotonic_ns();
  while (!has_line(serial, kDone)) {
    const double seconds = static_cast<double>(host_monotonic_ns() - start) / kSeconds;
    if (seconds > kBootSeconds) return Error{"the guest does not boot in time"};
    (*console)->send("info stats\n");
    const auto answer = (*console)->read_to(kPrompt, kAnswerSeconds);
    if (!answer && answer.error() == kInterrupted) return Error{answer.error()};
    if (!answer) break;  // it powered off
    add_point(line, seconds, exits_of_stats_text(*answer));
    (*console)->process().wait(kBetweenPoints);
  }
  return line;
}

}  // namespace ring3::bench
