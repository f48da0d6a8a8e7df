// SPDX-License-Identifier: MIT
#include "tools/blocks_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tools/option_values.h"

namespace ring3 {

namespace {

struct Parse {
  BlocksCommand command;
  std::vector<const char*> rest;  ///< a file, or options of a run
};

/// --name VALUE and --name=VALUE.
struct Argument {
  std::string_view name, value;
  bool has_value = false;
};

Status set_number(Argument argument, u64& field) {
  const auto number = parse_number(argument.value, ~u64{0});
  if (!number)
    return Error{fmt::format("--{} {}: {}", argument.name, argument.value, number.error())};
  field = *number;
  return success();
}

/// An address is hexadecimal with or without 0x, as listings print it.
Status set_address(Argument argument, BlockReport& report) {
  std::string text(argument.value);
  if (!text.starts_with("0x")) text = "0x" + text;
  u64 address = 0;
  if (Status status = set_number({argument.name, text}, address); !status) return status;
  report.address = address;
  report.top = ~u64{0};
  return success();
}

bool takes_value(std::string_view name) { return name == "top" || name == "address"; }

Status set_option(BlocksCommand& command, Argument argument) {
  BlockReport& report = command.report;
  if (argument.name == "json") report.json = true;
  if (argument.name == "summary") report.summary = true;
  if (argument.name == "static") report.only_scan = true;
  if (argument.name == "top") return set_number(argument, report.top);
  if (argument.name == "address") return set_address(argument, report);
  return success();
}

bool is_ours(std::string_view name) {
  constexpr std::string_view kNames[] = {"json", "summary", "static", "top", "address"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

/// Takes arguments[at] and what belongs to it.
Status parse_one(Parse& parse, std::span<const char* const> arguments, size_t& at) {
  const std::string_view text = arguments[at];
  Argument argument;
  if (text.starts_with("--")) {
    const size_t equals = text.find('=');
    argument.has_value = equals != std::string_view::npos;
    argument.name = text.substr(2, argument.has_value ? equals - 2 : text.npos);
    if (argument.has_value) argument.value = text.substr(equals + 1);
  }
  if (!is_ours(argument.name)) {
    parse.rest.push_back(arguments[at++]);
    return success();
  }
  ++at;
  if (takes_value(argument.name) && !argument.has_value) {
    if (at == arguments.size())
      return Error{fmt::format("--{}: needs a value; ring3 blocks -help", argument.name)};
    argument.value = arguments[at++];
  }
  return set_option(parse.command, argument);
}

/// The guest of the options under the translator; its terminal shows the report only.
Status parse_run(Parse& parse) {
  std::vector<const char*> arguments = {"-accel", "jit", "-serial", "null"};
  const auto names_serial = [](std::string_view text) { return text.ends_with("-serial"); };
  if (std::any_of(parse.rest.begin(), parse.rest.end(), names_serial)) arguments.resize(2);
  arguments.insert(arguments.end(), parse.rest.begin(), parse.rest.end());
  auto options = parse_options(arguments);
  if (!options) return Error{options.error()};
  if (!options->jit) return Error{"blocks: lists translations; leave -accel out"};
  parse.command.options = std::move(*options);
  parse.command.options.report = parse.command.report;
  parse.command.options.report.wanted = true;
  return success();
}

}  // namespace

Result<BlocksCommand> parse_blocks_command(std::span<const char* const> arguments) {
  Parse parse;
  for (size_t at = 0; at < arguments.size();)
    if (Status status = parse_one(parse, arguments, at); !status) return Error{status.error()};
  const std::string_view first = parse.rest.empty() ? "" : parse.rest.front();
  parse.command.help = first == "-help" || first == "--help" || first == "-h";
  if (parse.command.help) return parse.command;
  if (!first.empty() && !first.starts_with("-")) {
    if (parse.rest.size() > 1)
      return Error{fmt::format("blocks {}: one file, or the options of a run", parse.rest[1])};
    parse.command.file = first;
    return parse.command;
  }
  if (Status status = parse_run(parse); !status) return Error{status.error()};
  return parse.command;
}

std::string blocks_command_help() {
  return "usage: ring3 blocks [--top N] [--address A] [--summary] [--json] FILE\n"
         "       ring3 blocks [the same] [--static] [options of a run]\n"
         "Shows what the translator made of a guest: blocks, hottest first, with each\n"
         "instruction's class, treatment, callouts and host code.\n\n"
         "  FILE         written by ring3 -accel jit -blocks FILE\n"
         "  --top N      how many blocks (default 10)\n"
         "  --address A  only blocks that hold this linear address (hexadecimal)\n"
         "  --summary    no blocks: instructions by treatment, the hottest callouts\n"
         "  --json       the same as JSON\n"
         "  --static     runs nothing: scans and translates from the guest's entry\n\n"
         "Without FILE the guest of the options (ring3 -help) runs first, with -serial null\n"
         "unless you say otherwise.\n";
}

}  // namespace ring3
