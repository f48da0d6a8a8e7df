// SPDX-License-Identifier: MIT
#include "monitor/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "monitor/info.h"
#include "monitor/input_commands.h"
#include "monitor/memory_dump.h"

namespace ring3 {
namespace {

Json nothing() { return Json::object(); }

const std::string& get(const Arguments& arguments, std::string_view name) {
  static const std::string none;
  const auto it = arguments.find(name);
  return it == arguments.end() ? none : it->second;
}

template <std::string (*show)(Machine&)>
Result<Json> text(Machine& machine, const Arguments&) {
  return Json(show(machine));
}

// --- what the machine does

Result<Json> stop(Machine& machine, const Arguments&) {
  machine.pc.pause();
  return nothing();
}

Result<Json> go_on(Machine& machine, const Arguments&) {
  machine.pc.resume();
  return nothing();
}

Result<Json> reset(Machine& machine, const Arguments&) {
  machine.reset_asked = true;
  machine.pc.request_reset();
  return nothing();
}

Result<Json> power_down(Machine& machine, const Arguments&) {
  machine.pc.press_power_button();
  return nothing();
}

Result<Json> quit(Machine& machine, const Arguments&) {
  machine.quit_asked = true;
  machine.pc.leave(0);
  return nothing();
}

Result<Json> nmi(Machine& machine, const Arguments&) {
  machine.pc.cpu().pulse_nmi();
  return nothing();
}

Result<Json> screendump(Machine& machine, const Arguments& arguments) {
  if (!machine.screendump) return Error{"screendump: this machine has no screen"};
  if (Status done = machine.screendump(get(arguments, "filename"), get(arguments, "format")); !done)
    return Error{done.error()};
  return nothing();
}

// --- what it holds

Result<Json> examine(Machine& machine, const Arguments& arguments) {
  return dump_memory(machine.pc.cpu(), get(arguments, "what"), false);
}

Result<Json> examine_physical(Machine& machine, const Arguments& arguments) {
  return dump_memory(machine.pc.cpu(), get(arguments, "what"), true);
}

Result<Json> print(Machine& machine, const Arguments& arguments) {
  return print_value(machine.pc.cpu(), get(arguments, "what"));
}

Result<Json> info_device(Machine& machine, const Arguments& arguments) {
  return device_info(machine, get(arguments, "name"));
}

Result<Json> query_status(Machine& machine, const Arguments&) {
  const bool running = !machine.pc.paused();
  return Json{{"status", running ? "running" : "paused"},
              {"singlestep", false},
              {"running", running}};
}

Result<Json> query_name(Machine& machine, const Arguments&) {
  return machine.name.empty() ? nothing() : Json{{"name", machine.name}};
}

Result<Json> query_version(Machine&, const Arguments&) { return version_json(); }

Result<Json> query_commands(Machine&, const Arguments&) {
  Json list = Json::array({{{"name", "qmp_capabilities"}}});
  for (const Command& c : commands())
    if (!c.qmp.empty()) list.push_back({{"name", c.qmp}});
  return list;
}

Result<Json> human_command(Machine& machine, const Arguments& arguments) {
  return Json(run_line(machine, get(arguments, "command-line")));
}

Result<Json> help(Machine&, const Arguments& arguments) {
  const std::string& name = get(arguments, "name");
  std::string out;
  for (const Command& c : commands()) {
    if (c.hmp.empty() || (!name.empty() && !c.hmp.starts_with(name))) continue;
    out += fmt::format("{:<34} {}\n", fmt::format("{} {}", c.hmp, c.parameters), c.help);
  }
  return Json(out);
}

constexpr Command kCommands[] = {
    {"help", "", "?name", "this list", help},
    {"?", "", "?name", "the same", help},
    {"info registers", "", "", "the cpu's registers", text<registers_info>},
    {"info mem", "", "", "mapped linear addresses, by range and rights", text<mappings_info>},
    {"info tlb", "", "", "mapped pages: linear, physical, flags", text<pages_info>},
    {"info pci", "", "", "PCI functions", text<pci_info>},
    {"info mtree", "", "", "what stands where in memory and I/O space", text<address_map_info>},
    {"info pic", "", "", "interrupt controllers", text<interrupts_info>},
    {"info block", "", "", "disks and drives", text<block_info>},
    {"info status", "", "", "running or paused", text<status_info>},
    {"info stats", "", "", "instructions, exits, TLB misses", text<stats_info>},
    {"info version", "", "", "ring3's version", text<version_info>},
    {"info name", "", "", "the guest's name", text<name_info>},
    {"info device", "", "?name", "a device's state; without a name: which there are", info_device},
    {"x", "", "*what", "memory: x/4xg $rsp, x/5i $rip (linear address)", examine},
    {"xp", "", "*what", "the same by physical address", examine_physical},
    {"print", "", "*what", "a value: print/x $rip + 8", print},
    {"p", "", "*what", "the same", print},
    {"stop", "stop", "", "stops the guest and its time", stop},
    {"cont", "cont", "", "goes on", go_on},
    {"c", "", "", "the same", go_on},
    {"system_reset", "system_reset", "", "the reset button", reset},
    {"system_powerdown", "system_powerdown", "", "the power button (ACPI)", power_down},
    {"nmi", "inject-nmi", "", "a non-maskable interrupt", nmi},
    {"sendkey", "", "keys ?hold", "presses keys, for milliseconds: sendkey ctrl-alt-delete 100",
     sendkey},
    {"mouse_move", "", "dx dy ?dz", "moves the mouse; dz: the wheel", mouse_move},
    {"mouse_button", "", "state", "buttons that are down: 1 left, 2 middle, 4 right",
     mouse_button},
    {"screendump", "screendump", "filename ?format",
     "the screen as a picture: png, or ppm if the format or the name says so", screendump},
    {"quit", "quit", "", "ends ring3", quit},
    {"q", "", "", "the same", quit},
    {"", "query-status", "", "", query_status},
    {"", "send-key", "keys ?hold-time", "", send_key},
    {"", "input-send-event", "events ?device ?head", "", input_send_event},
    {"", "query-name", "", "", query_name},
    {"", "query-version", "", "", query_version},
    {"", "query-commands", "", "", query_commands},
    {"", "human-monitor-command", "command-line", "", human_command},
};

// --- the monitor's lines

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The row whose name the line begins with, the longest one; `rest`: what follows.
const Command* find_command(std::string_view line, std::string_view& rest) {
  const Command* found = nullptr;
  for (const Command& c : kCommands) {
    if (c.hmp.empty() || !line.starts_with(c.hmp)) continue;
    const std::string_view after = line.substr(c.hmp.size());
    // "x/4xg": the format may follow at once.
    if (!after.empty() && after.front() != ' ' && after.front() != '/') continue;
    if (found && found->hmp.size() > c.hmp.size()) continue;
    found = &c;
    rest = trimmed(after);
  }
  return found;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const size_t end = std::min(text.find(' '), text.size());
    list.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return list;
}

/// Nothing: too many, or too few.
bool bind_arguments(const Command& command, std::string_view rest, Arguments& arguments) {
  if (command.parameters.starts_with('*')) {
    arguments[std::string(command.parameters.substr(1))] = rest;
    return true;
  }
  const std::vector<std::string> names = words(command.parameters), values = words(rest);
  if (values.size() > names.size()) return false;
  for (size_t n = 0; n < names.size(); ++n) {
    const bool optional = names[n].starts_with('?');
    if (n < values.size()) arguments[names[n].substr(optional)] = values[n];
    if (n >= values.size() && !optional) return false;
  }
  return true;
}

std::string shown(const Json& result) {
  if (result.is_string()) return result.get<std::string>();
  return result.empty() ? "" : result.dump(2) + "\n";
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

std::string run_line(Machine& machine, std::string_view line) {
  line = trimmed(line);
  if (line.empty()) return {};
  std::string_view rest;
  const Command* command = find_command(line, rest);
  if (!command) return fmt::format("unknown command: '{}'; try help\n", line);
  Arguments arguments;
  if (!bind_arguments(*command, rest, arguments))
    return fmt::format("{}: give {}\n", command->hmp,
                       command->parameters.empty() ? "no arguments" : command->parameters);
  Result<Json> result = command->run(machine, arguments);
  if (!result) return result.error() + "\n";
  return shown(*result);
}

}  // namespace ring3
