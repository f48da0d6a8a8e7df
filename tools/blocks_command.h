// SPDX-License-Identifier: MIT
// The command line of `ring3 blocks`: what to show, and of which run.
#pragma once

#include <span>
#include <string>

#include "tools/options.h"

namespace ring3 {

struct BlocksCommand {
  bool help = false;
  BlockReport report;
  std::string file;  ///< written by -blocks; empty: run a guest
  Options options;   ///< of that guest
};

/// Parses the arguments after "blocks". An error is one line.
Result<BlocksCommand> parse_blocks_command(std::span<const char* const> arguments);

std::string blocks_command_help();

}  // namespace ring3
