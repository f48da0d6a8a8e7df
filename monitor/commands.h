// SPDX-License-Identifier: MIT
// The one table of commands, for the monitor (QEMU's "Monitor", names and output close to it) and
// for QMP (QEMU's "QMP Reference Manual").
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "monitor/machine.h"

namespace ring3 {

using Json = nlohmann::ordered_json;

/// Values by parameter name; absent ones are not in it.
using Arguments = std::map<std::string, std::string, std::less<>>;

struct Command {
  std::string_view hmp;         ///< name in the monitor; empty: not there
  std::string_view qmp;         ///< name in QMP; empty: not there
  std::string_view parameters;  ///< names; after `?` optional ones; `*name`: the rest of the line
  std::string_view help;
  /// A string is shown as it is by the monitor; an empty object is nothing.
  Result<Json> (*run)(Machine& machine, const Arguments& arguments);
};

std::span<const Command> commands();

/// Runs one line of the monitor. What it prints, errors included.
std::string run_line(Machine& machine, std::string_view line);

}  // namespace ring3
