// SPDX-License-Identifier: MIT
#include "bench/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/print.h"
#include "bench/compare.h"
#include "bench/host_info.h"
#include "bench/output_file.h"
#include "bench/page.h"
#include "bench/report.h"
#include "bench/selection.h"
#include "bench/work_folder.h"

namespace ring3::bench {

namespace {

constexpr int kBad = 1, kSlower = 2, kInterruptedStatus = 130;

int fail(const std::string& message) {
  print_to(stderr, "ring3: {}\n", message);
  return kBad;
}

void progress(const std::string& line) { print_to(stderr, "{}\n", line); }

struct Outputs {
  OutputFile json{"--json"}, html{"--html"};

  Status open(const Options& options) {
    if (Status opened = json.open(options.json); !opened) return opened;
    return html.open(options.html);
  }
  Status write(const Results& results) {
    using Handler = nlohmann::ordered_json::error_handler_t;
    const std::string text = to_json(results).dump(1, ' ', false, Handler::replace) + "\n";
    if (Status written = json.write(text); !written) return written;
    return html.write(html.wanted() ? page_text(results) : "");
  }
};

Result<Results> read_results(const char* option, const std::string& path) {
  std::ostringstream text;
  std::ifstream file(path, std::ios::binary);
  if (!file || !(text << file.rdbuf()))
    return Error{fmt::format("{} {}: cannot be read; give a file that --json wrote", option, path)};
  auto results = parse_results(text.str());
  if (!results) return Error{fmt::format("{} {}: {}", option, path, results.error())};
  return results;
}

/// An engine that is there may still refuse: no kvm in this build, or a KVM that cannot run the
/// bench guest.
Status probe(const Emulator& emulator, const std::filesystem::path& work) {
  if (emulator.kind == Kind::Native) return success();
  return machine_target(emulator, work)->start();
}

/// What it said itself, if it is ring3.
std::string reason_of(const Emulator& emulator, const std::string& error) {
  constexpr std::string_view kOwn = "ring3: ";
  const size_t at = error.rfind(kOwn);
  if (emulator.kind == Kind::Ring3 && at != std::string::npos)
    return error.substr(at + kOwn.size());
  return "it does not run the bench guest: " + error;
}

/// Leaves out what does not run a small guest; an error if it was asked for.
Status probe_all(const Options& options, std::vector<Emulator>& engines,
                 std::vector<EngineInfo>& infos, const std::filesystem::path& work) {
  std::vector<Emulator> good;
  for (const Emulator& e : engines) {
    const Status works = probe(e, work);
    if (!works && works.error() == kInterrupted) return works;
    if (!works && (!options.engines.empty() || e.name == "jit"))
      return Error{
          fmt::format("--engines {}: not available: {}", e.name, reason_of(e, works.error()))};
    if (works) good.push_back(e);
    for (EngineInfo& info : infos)
      if (!works && info.name == e.name) info.left_out = reason_of(e, works.error());
  }
  engines = good;
  return success();
}

/// By default nothing that takes minutes: under a KVM that emulates ring 0, Linux, and QEMU's
/// start.
bool fits(const Options& options, const Emulator& e, const std::string& suite) {
  if (e.kind == Kind::Native) return suite.starts_with("program");
  if (e.kind == Kind::Bochs && (suite == "disk" || suite == "firmware")) return false;
  if (!options.engines.empty() || !e.kvm || !has_only_pvm()) return true;
  return !is_linux_suite(suite) && e.kind == Kind::Ring3;
}

std::unique_ptr<Target> make_target(const Emulator& e, const std::string& suite,
                                    const Options& options, const std::filesystem::path& work) {
  if (suite.starts_with("program")) return program_target(e, options.guest, work);
  if (suite == "boot") return boot_target(e, options.guest, work);
  if (suite == "disk") return disk_target(e, options.guest, work);
  if (suite == "firmware") return firmware_target(e, work);
  return machine_target(e, work);
}

/// ring0 and ring3 share a guest, and so do program and program32.
std::string guest_of(const std::string& suite) {
  return suite.substr(0, suite.find_first_of("03"));
}

std::vector<Suite> make_suites(const Options& options, Results& results,
                               const std::vector<Emulator>& engines,
                               const std::filesystem::path& work) {
  std::vector<Suite> suites;
  std::string last;
  for (size_t at = 0; at < results.rows.size(); ++at) {
    const std::string& suite = results.rows[at].workload.suite;
    if (suites.empty() || guest_of(suite) != last) {
      suites.emplace_back();
      for (const Emulator& e : engines)
        if (fits(options, e, suite))
          suites.back().targets.push_back(make_target(e, suite, options, work));
    }
    last = guest_of(suite);
    suites.back().rows.push_back(at);
  }
  return suites;
}

void add_timelines(const Options& options, Results& results, const std::vector<Emulator>& engines,
                   const std::filesystem::path& work) {
  for (const Emulator& e : engines) {
    if (e.kind != Kind::Ring3 || !fits(options, e, "boot") || InterruptWatch::asked()) continue;
    progress(fmt::format("time line of a boot: {}", e.name));
    auto line = boot_timeline(e, options.guest, work);
    if (line)
      results.timelines.push_back(*line);
    else if (!InterruptWatch::asked())
      results.failures.push_back(fmt::format("{} time line: {}", e.name, line.error()));
  }
}

void describe(const Options& options, Results& results) {
  results.date = utc_now();
  results.host = host_info();
  results.baselines = options.baselines;
  results.options = {{"rounds", std::to_string(options.plan.rounds)},
                     {"seconds of a run",
                      options.plan.seconds ? fmt::format("{}", *options.plan.seconds) : "by suite"},
                     {"cpu model of jit, interp and qemu-tcg", options.emulator.cpu}};
}

Status measure(const Options& options, Results& results, Outputs& outputs) {
  describe(options, results);
  const auto workloads = choose_workloads(options, find_workloads(options));
  if (!workloads) return Error{workloads.error()};
  auto engines = choose_engines(options, results.engines);
  if (!engines) return Error{engines.error()};
  const bool disk =
      std::ranges::any_of(*workloads, [](const Workload& w) { return w.suite == "disk"; });
  auto work = WorkFolder::make(disk ? 2 * u64{kDiskMebibytes} << 20 : 0);
  if (!work) return Error{work.error()};
  if (Status good = probe_all(options, *engines, results.engines, (*work)->path()); !good)
    return good;
  for (const EngineInfo& e : results.engines)
    if (!e.left_out.empty()) progress(fmt::format("{}: not available: {}", e.name, e.left_out));
  for (const Workload& w : *workloads) results.rows.push_back({w, {}});
  auto suites = make_suites(options, results, *engines, (*work)->path());
  if (std::ranges::all_of(suites, [](const Suite& s) { return s.targets.empty(); }))
    return Error{
        fmt::format("--engines {}: none of them runs these workloads; native runs program "
                    "and program32 only",
                    fmt::join(options.engines, ","))};
  // What cannot be written now is told at the end.
  Runner runner(results, std::move(suites), options.plan, progress,
                [&] { static_cast<void>(outputs.write(results)); });
  runner.run();
  if (options.timeline) add_timelines(options, results, *engines, (*work)->path());
  results.interrupted |= InterruptWatch::asked();
  results.host["load at the end"] = host_info()["load"];
  return success();
}

int status_of(const Results& results) {
  if (results.interrupted) return kInterruptedStatus;
  return results.failures.empty() && disagreements(results).empty() ? 0 : kBad;
}

int list(const Options& options) {
  const Available available = find_workloads(options);
  for (const Workload& w : available.workloads)
    fmt::print("{:<28} {:<9} {}\n", w.id(), w.group, w.unit);
  for (const std::string& line : available.missing) fmt::print("not there: {}\n", line);
  for (const std::string& name : emulator_names()) {
    auto found = find_emulator(name, options.emulator);
    fmt::print("engine {:<21} {}\n", name, found ? found->version : "not there: " + found.error());
  }
  return 0;
}

int run(const Options& options) {
  Outputs outputs;
  if (Status opened = outputs.open(options); !opened) return fail(opened.error());
  std::optional<Results> old;
  if (!options.compare.empty()) {
    auto read = read_results("--compare", options.compare);
    if (!read) return fail(read.error());
    old = std::move(*read);
  }
  Results results;
  if (options.load.empty()) {
    const Status measured = measure(options, results, outputs);
    if (!measured) {
      fail(measured.error());
      return InterruptWatch::asked() ? kInterruptedStatus : kBad;
    }
  } else {
    auto read = read_results("--load", options.load);
    if (!read) return fail(read.error());
    results = std::move(*read);
  }
  const Status written = outputs.write(results);
  std::string text = options.markdown ? markdown_text(results) : report_text(results);
  const auto changes = old ? std::optional(compare(*old, results)) : std::nullopt;
  if (changes) text += comparison_text(*changes);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return fail(fmt::format("standard output: cannot write: {}", std::strerror(errno)));
  if (!written) return fail(written.error());
  const int status = status_of(results);
  return status == 0 && changes && changes->slower() ? kSlower : status;
}

}  // namespace

int run_command(std::span<const char* const> arguments) {
  auto options = parse_options(arguments, own_program());
  if (!options) return fail(options.error());
  InterruptWatch watch;
  switch (options->action) {
    case Options::Action::Help:
      fmt::print("{}", help());
      return 0;
    case Options::Action::List:
      return list(*options);
    case Options::Action::Run:
      break;
  }
  return run(*options);
}

}  // namespace ring3::bench
