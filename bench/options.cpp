// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "bench/command.h"

namespace ring3::bench {

namespace {

using Set = Status (*)(Options&, std::string_view value);

struct OptionRow {
  std::string_view name, syntax, help;  ///< without syntax: takes no value
  Set set;
};

template <class T>
Status set_number(T& field, std::string_view text, double least, double most) {
  T number{};
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
  const double value = static_cast<double>(number);
  if (bad != std::errc() || end != text.data() + text.size() || value < least || value > most)
    return Error{fmt::format("give a number from {} to {}", least, most)};
  field = number;
  return success();
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return parts;
}

template <std::vector<std::string> Options::*field>
Status set_list(Options& o, std::string_view value) {
  o.*field = split(value, ',');
  return (o.*field).empty() ? Status(Error{"give names with commas in between"}) : success();
}

template <std::string Options::*field>
Status set_text(Options& o, std::string_view value) {
  o.*field = value;
  return success();
}

template <std::string LinuxGuest::*field>
Status set_guest(Options& o, std::string_view value) {
  o.guest.*field = value;
  return success();
}

template <Options::Action action>
Status set_action(Options& o, std::string_view) {
  o.action = action;
  return success();
}

Status set_also(Options& o, std::string_view value) {
  const size_t equals = value.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == value.size())
    return Error{"give NAME=PROGRAM"};
  const std::string name(value.substr(0, equals)), program(value.substr(equals + 1));
  for (const std::string& known : emulator_names())
    if (known == name) return Error{"give it a name of its own"};
  std::error_code bad;
  if (!std::filesystem::is_regular_file(program, bad))
    return Error{"no such program; give the path of another ring3"};
  o.also.emplace_back(name, program);
  return success();
}

Status set_profile(Options& o, std::string_view value) {
  std::error_code bad;
  if (!std::filesystem::is_directory(value, bad)) return Error{"give a folder that is there"};
  if (!is_installed("perf")) return Error{"perf is not installed: Debian package linux-perf"};
  o.guest.profile = value;
  return success();
}

Status set_quick(Options& o, std::string_view) {
  o.plan.rounds = 1;
  o.plan.seconds = 0.03;
  o.plan.exits = false;
  return success();
}

constexpr OptionRow kRows[] = {
    {"help", "", "this text", set_action<Options::Action::Help>},
    {"list", "", "what can be chosen here, and what is missing", set_action<Options::Action::List>},
    {"engines", "LIST",
     "of native, jit, interp, kvm, qemu-tcg, qemu-kvm, and bochs, which needs to be named",
     set_list<&Options::engines>},
    {"also", "NAME=RING3", "another build's translator, for comparing builds; may be repeated",
     set_also},
    {"workloads", "LIST",
     "ring0, ring3 (the default), program, program32, boot, disk, firmware, all, a class or a name",
     set_list<&Options::workloads>},
    {"baseline", "LIST", "ratios are over the first of these that measured something",
     set_list<&Options::baselines>},
    {"rounds", "N", "default 5",
     [](Options& o, std::string_view v) { return set_number(o.plan.rounds, v, 1, 1000); }},
    {"seconds", "S", "of one run (default 0.5 in program and program32, else 0.1)",
     [](Options& o, std::string_view v) {
       return set_number(o.plan.seconds.emplace(), v, 0.001, 60);
     }},
    {"quick", "", "one round of 0.03 s, without exits", set_quick},
    {"no-exits", "", "no histogram of exits",
     [](Options& o, std::string_view) {
       o.plan.exits = false;
       return success();
     }},
    {"timeline", "", "exits over the time of a boot of --guest too",
     [](Options& o, std::string_view) {
       o.timeline = true;
       return success();
     }},
    {"json", "FILE", "the result, for programs and --compare", set_text<&Options::json>},
    {"html", "FILE", "the result as one page with plots, which needs nothing else",
     set_text<&Options::html>},
    {"markdown", "", "prints the result in short, as Markdown",
     [](Options& o, std::string_view) {
       o.markdown = true;
       return success();
     }},
    {"compare", "OLD.json", "what is slower or faster than then, beyond the noise",
     set_text<&Options::compare>},
    {"load", "FILE.json", "measures nothing: takes that result", set_text<&Options::load>},
    {"guest", "NAME", "kernel of program and of --timeline (cloud); 686-pae for 32 bits",
     set_guest<&LinuxGuest::name>},
    {"guests", "FOLDER", "where tools/fetch-guest put the kernels", set_guest<&LinuxGuest::folder>},
    {"binaries", "FOLDER", "where bench-guest64 and bench-guest32 are",
     set_guest<&LinuxGuest::binaries>},
    {"append", "TEXT", "more of the Linux guests' command line", set_guest<&LinuxGuest::append>},
    {"memory", "MIB", "of the Linux guests (512)",
     [](Options& o, std::string_view v) { return set_number(o.guest.megabytes, v, 64, 65536); }},
    {"cpu", "MODEL", "of jit, interp and qemu-tcg (max)",
     [](Options& o, std::string_view v) -> Status {
       o.emulator.cpu = v;
       return success();
     }},
    {"profile", "FOLDER", "perf's recording of each program under an emulator, for bench/profile",
     set_profile},
    {"ring3-options", "TEXT", "more options of ring3, one text",
     [](Options& o, std::string_view v) -> Status {
       o.emulator.ring3_options = split(v, ' ');
       return success();
     }},
};

/// Takes arguments[at] and its value.
Status parse_one(Options& options, std::span<const char* const> arguments, size_t& at) {
  const std::string_view text = arguments[at++];
  if (text == "-h" || text == "-help") return set_action<Options::Action::Help>(options, {});
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const auto row = std::ranges::find_if(kRows, [&](const OptionRow& r) {
    return name.starts_with("--") && name.substr(2) == r.name;
  });
  if (row == std::end(kRows))
    return Error{fmt::format("bench {}: no such option; ring3 bench --help lists them", text)};
  if (row->syntax.empty() && equals != text.npos)
    return Error{fmt::format("{}: takes no value", name)};
  std::string_view value;
  if (!row->syntax.empty()) {
    if (equals == text.npos && at == arguments.size())
      return Error{fmt::format("{}: needs a value: {} {}", name, name, row->syntax)};
    value = equals == text.npos ? arguments[at++] : text.substr(equals + 1);
    if (value.empty())
      return Error{fmt::format("{} \'\': needs a value: {} {}", name, name, row->syntax)};
  }
  const Status set = row->set(options, value);
  return set ? set : Status(Error{fmt::format("{} {}: {}", name, value, set.error())});
}

Status check(const Options& o) {
  if (o.load.empty()) return success();
  if (!o.engines.empty() || !o.workloads.empty() || !o.also.empty() || o.timeline)
    return Error{fmt::format(
        "--load {}: measures nothing; leave engines, workloads and --timeline out", o.load)};
  return success();
}

/// Programs are started in other folders.
void make_absolute(std::string& path) {
  std::error_code bad;
  const auto absolute = std::filesystem::absolute(path, bad);
  if (!bad && !path.empty()) path = absolute.string();
}

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments, const std::string& program) {
  namespace fs = std::filesystem;
  Options options;
  const fs::path folder = fs::path(program).parent_path();
  options.emulator.ring3 = program;
  options.guest.binaries = (folder.parent_path() / "bench").string();
  options.guest.folder = (folder.parent_path().parent_path() / "guests").string();
  for (size_t at = 0; at < arguments.size();)
    if (Status parsed = parse_one(options, arguments, at); !parsed) return Error{parsed.error()};
  if (Status good = check(options); !good) return Error{good.error()};
  for (std::string* path : {&options.guest.folder, &options.guest.binaries, &options.guest.profile,
                            &options.emulator.ring3})
    make_absolute(*path);
  for (auto& [name, other] : options.also) make_absolute(other);
  return options;
}

std::string help() {
  std::string text =
      "usage: ring3 bench [options]\n"
      "Measures engines of ring3 and its peers on the same workloads, in alternating rounds: "
      "median and\n"
      "quartiles of each, ratios over a baseline. Without options: the built-in bench guest, in "
      "ring 0 and\n"
      "ring 3, under everything that is installed.\n\n";
  for (const OptionRow& row : kRows)
    text += fmt::format(
        "  {:<24} {}\n",
        fmt::format("--{}{}{}", row.name, row.syntax.empty() ? "" : " ", row.syntax), row.help);
  return text +
         "\nExit status: 0; 1: bad input, a run failed, or engines left different states; 2: "
         "slower than\n"
         "--compare's result beyond the noise (medians differ by more than both interquartile "
         "ranges and\n"
         "5 %, at least 3 rounds each); 130: interrupted, with what was measured until then.\n";
}

}  // namespace ring3::bench
