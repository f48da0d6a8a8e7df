// SPDX-License-Identifier: MIT
// `ring3 bench`: its options, and what it does with them. Exit status: 0; 1 for bad input, a run
// that failed or engines that disagree; 2 for something slower than in --compare's result; 130 when
// interrupted.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/runner.h"

namespace ring3::bench {

struct Options {
  enum class Action : u8 { Run, Help, List };
  Action action = Action::Run;
  std::vector<std::string> engines, workloads;  ///< empty: the default
  std::vector<std::string> baselines = {"native", "qemu-tcg", "interp", "jit"};
  std::vector<std::pair<std::string, std::string>> also;  ///< name and program
  Plan plan;
  bool timeline = false;
  bool markdown = false;  ///< what is printed
  std::string json, html, compare, load;
  EmulatorOptions emulator;
  LinuxGuest guest;
};

/// The arguments after "bench". `program`: this ring3. An error is one line.
Result<Options> parse_options(std::span<const char* const> arguments, const std::string& program);
std::string help();

/// The exit status.
int run_command(std::span<const char* const> arguments);

}  // namespace ring3::bench
