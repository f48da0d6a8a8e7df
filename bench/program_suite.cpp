// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cstdio>
#include <sstream>

#include "bench/bochs.h"
#include "bench/initramfs.h"
#include "bench/target.h"

namespace ring3::bench {

namespace {

namespace fs = std::filesystem;

constexpr double kBootSeconds = 300, kRunSeconds = 120, kEndSeconds = 10;
constexpr std::string_view kUnsupported = "bench: unsupported";

int bits_of(const Workload& workload) { return workload.suite == "program32" ? 32 : 64; }

std::string binary(const LinuxGuest& guest, int bits) {
  return fmt::format("{}/bench-guest{}", guest.binaries, bits);
}

/// The guests' busybox; without it the class real is unsupported.
std::string busybox(const LinuxGuest& guest, int bits) {
  if (bits == 32) return guest.folder + "/686-pae/busybox";
  const std::string own = guest.folder + "/amd64/busybox";
  return fs::exists(own) ? own : guest.folder + "/cloud/busybox";
}

std::string kernel(const LinuxGuest& guest) {
  return fmt::format("{}/{}/vmlinuz", guest.folder, guest.name);
}

/// "bench: result CHECKSUM cpu NS wall NS"
Result<Run> parse_result(const std::string& line) {
  if (line.find(kUnsupported) != std::string::npos) {
    Run run;
    run.unsupported = true;
    return run;
  }
  char checksum[17] = {};
  unsigned long long cpu = 0, wall = 0;
  const size_t at = line.find("bench: result");
  if (at == std::string::npos ||
      std::sscanf(line.c_str() + at, "bench: result %16s cpu %llu wall %llu", checksum, &cpu,
                  &wall) != 3)
    return Error{fmt::format("not a result: {}", line)};
  Run run;
  run.ns = run.cpu_ns = static_cast<double>(cpu);
  run.hash = checksum;
  return run;
}

class NativeProgram final : public Target {
 public:
  NativeProgram(const Emulator& e, LinuxGuest guest, fs::path work)
      : Target(e), guest_(std::move(guest)), work_(std::move(work)) {}

  Result<Run> run(const Workload& workload, u64 units) override {
    ChildProcess::How how;
    how.one_processor = true;
    how.environment = {{"BENCH_DIRECTORY", work_.string()},
                       {"BENCH_BUSYBOX", busybox(guest_, bits_of(workload))}};
    auto child = ChildProcess::start(
        {binary(guest_, bits_of(workload)), workload.name, std::to_string(units)}, std::move(how));
    if (!child) return Error{child.error()};
    Console console(std::move(*child));
    const auto line = console.find("bench: result", kRunSeconds, kUnsupported);
    return line ? parse_result(*line) : Error{line.error()};
  }

 private:
  LinuxGuest guest_;
  fs::path work_;
};

/// A Linux guest whose first process is the agent of bench/guest: it runs what it is told on its
/// console. Time is the CPU time of the emulator's process, all threads, between the program's
/// "ready" and its result.
class LinuxProgram final : public Target {
 public:
  LinuxProgram(const Emulator& e, LinuxGuest guest, fs::path work)
      : Target(e), guest_(std::move(guest)), work_(std::move(work)) {}

  Status start() override {
    if (console_) return success();
    GuestFiles files{kernel(guest_), (work_ / "programs.cpio").string(),
                     fmt::format("console=ttyS0 quiet loglevel=1{}{}",
                                 guest_.append.empty() ? "" : " ", guest_.append),
                     guest_.megabytes, false};
    if (Status made = write_files(files.initrd); !made) return made;
    auto console = boot(emulator_, files, work_);
    if (!console) return Error{console.error()};
    console_ = std::move(*console);
    const auto agent = console_->find("bench: agent", kBootSeconds);
    if (!agent) console_.reset();
    hold();
    return agent ? success() : Status(Error{agent.error()});
  }

  /// A failure ends the emulator; the next run boots again.
  Result<Run> run(const Workload& workload, u64 units) override {
    if (Status started = start(); !started) return Error{started.error()};
    if (is_bochs()) console_->process().go_on();
    auto run = measure(workload, units);
    if (!run) console_.reset();
    hold();
    return run;
  }

  void stop() override {
    if (!console_) return;
    if (is_bochs()) console_->process().go_on();
    console_->send("poweroff\n");
    if (!is_bochs()) console_->process().wait(static_cast<u64>(kEndSeconds * 1e9));
    console_.reset();
  }

 private:
  bool is_bochs() const { return emulator_.kind == Kind::Bochs; }
  /// Bochs turns while its guest is idle, so it stands still between runs.
  void hold() {
    if (is_bochs() && console_) console_->process().hold();
  }

  Result<Run> measure(const Workload& workload, u64 units) {
    console_->send(
        fmt::format("/bin/bench-guest{} {} {} --wait\n", bits_of(workload), workload.name, units));
    const auto ready = console_->find("bench: ready", kRunSeconds, kUnsupported);
    if (!ready) return Error{ready.error()};
    Result<std::string> line = *ready;
    double cpu = 0;
    if ((*ready).find(kUnsupported) == std::string::npos) {
      const auto perf = record(workload);
      const u64 before = console_->process().cpu_nanoseconds();
      console_->send("go\n");
      line = console_->find("bench: result", kRunSeconds);
      cpu = static_cast<double>(console_->process().cpu_nanoseconds() - before);
      if (perf) perf->interrupt();
      if (perf) perf->wait(static_cast<u64>(kEndSeconds * 1e9));
    }
    if (!line) return Error{line.error()};
    if (const auto end = console_->find("bench: exit 0", kRunSeconds); !end)
      return Error{end.error()};
    auto run = parse_result(*line);
    if (run) run->ns = run->cpu_ns = cpu;
    return run;
  }

  /// perf, once it watches the emulator; null if it is not wanted.
  std::unique_ptr<ChildProcess> record(const Workload& workload) {
    constexpr u64 kAttach = 300'000'000;  // ns
    if (guest_.profile.empty()) return nullptr;
    auto perf = ChildProcess::start(
        {"perf", "record", "-q", "-e", "cpu-clock", "-p",
         std::to_string(console_->process().number()), "-o",
         fmt::format("{}/{}-{}-{}.data", guest_.profile, name(), workload.suite, workload.name)},
        {});
    if (!perf) return nullptr;
    (*perf)->wait(kAttach);
    return std::move(*perf);
  }

  /// /init is the agent, in the kernel's word size.
  Status write_files(const std::string& path) const {
    const int own = guest_.name.starts_with("686") ? 32 : 64;
    InitramfsFiles files = {{"init", binary(guest_, own)}};
    for (const int bits : {64, 32}) {
      if (fs::exists(binary(guest_, bits)))
        files.emplace_back(fmt::format("bin/bench-guest{}", bits), binary(guest_, bits));
      if (fs::exists(busybox(guest_, bits)))
        files.emplace_back(fmt::format("bin/busybox{}", bits), busybox(guest_, bits));
    }
    return write_initramfs(path, files);
  }

  LinuxGuest guest_;
  fs::path work_;
  std::unique_ptr<Console> console_;
};

}  // namespace

std::vector<Workload> program_workloads(const LinuxGuest& guest, std::string& why_not) {
  std::vector<Workload> all;
  for (const int bits : {64, 32}) {
    const std::string file = binary(guest, bits);
    if (!fs::exists(file)) {
      if (bits == 64)
        why_not = fmt::format("program: {} is not there; give --binaries FOLDER", file);
      continue;
    }
    std::istringstream lines(output_of({file, "--list"}));
    Workload w;
    while (lines >> w.group >> w.name >> w.operations) {
      w.suite = bits == 64 ? "program" : "program32";
      w.unit = w.operations == 1 ? "a turn of the program" : fmt::format("{} times", w.operations);
      all.push_back(w);
    }
  }
  if (!all.empty() && !fs::exists(kernel(guest))) {
    why_not = fmt::format(
        "program: {} is not there; get it by tools/fetch-guest, or give "
        "--guests FOLDER",
        kernel(guest));
    return {};
  }
  return all;
}

std::unique_ptr<Target> program_target(const Emulator& emulator, const LinuxGuest& guest,
                                       const fs::path& work) {
  if (emulator.kind == Kind::Native) return std::make_unique<NativeProgram>(emulator, guest, work);
  return std::make_unique<LinuxProgram>(emulator, guest, work);
}

}  // namespace ring3::bench
