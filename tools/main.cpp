// SPDX-License-Identifier: MIT
// ring3: options, then the board with its guest, then run. Exit status: the guest's own (0: power
// off), or 1 after one line that says what is wrong.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>

#include "base/check.h"
#include "base/log.h"
#include "base/print.h"
#include "bench/command.h"
#include "devices/pc.h"
#include "display/screendump.h"
#include "host/standard_streams.h"
#include "jit/jit.h"
#include "jit/preview.h"
#include "tools/block_file.h"
#include "tools/block_report.h"
#include "tools/blocks_command.h"
#include "tools/console.h"
#include "tools/control_ports.h"
#include "tools/displays.h"
#include "tools/entry.h"
#include "tools/firmware.h"
#include "tools/guest_loader.h"
#include "tools/jit_choice.h"
#include "tools/state_log.h"
#include "tools/stats.h"
#include "verify/verify.h"

namespace ring3 {
namespace {

int fail(std::string_view message) {
  print_to(stderr, "ring3: {}\n", message);
  return 1;
}

/// To standard output; a full disk or closed pipe is an error.
int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return 0;
  return fail(fmt::format("standard output: cannot write: {}", std::strerror(errno)));
}

/// Seconds since 1970 in the guest's civil time.
i64 rtc_start(const RtcBase& base) {
  if (base.kind == RtcBase::Kind::Fixed) return base.seconds;
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (base.kind == RtcBase::Kind::LocalTime && localtime_r(&now, &local)) return timegm(&local);
  return now;
}

Status set_up_log(const Options& options) {
  if (!set_log_file(options.log_file))
    return Error{fmt::format("-D {}: cannot be written; give another file", options.log_file)};
  g_log_mask = options.log_mask;
  return success();
}

PcConfig board_config(const Options& options, const CpuModel& model, const Console& console,
                      const OpenedDrives& drives) {
  PcConfig config;
  config.ram_bytes = options.ram_bytes;
  config.cpu = model;
  config.icount = options.icount_shift.has_value();
  config.icount_shift = options.icount_shift.value_or(0);
  config.serial = console.serial;
  config.serial_input = console.serial_input;
  config.debugcon = console.debugcon;
  config.debug_exit = options.debug_exit_port;
  config.pc_testdev = options.testdev;
  config.vga = options.vga;
  if (config.vga && !options.firmware.bios.empty()) config.vga_rom = read_video_bios();
  config.no_reboot = options.no_reboot;
  config.storage = drives.config();
  config.input = options.input;
  config.rtc_start = rtc_start(options.rtc);
  return config;
}

BoardInfo board_info(const Console& console, const Options& options) {
  BoardInfo info;
  info.vga = options.vga;
  info.mouse = true;
  info.com_ports = 0;
  for (unsigned port = 0; port < console.serial.size(); ++port)
    if (console.serial[port]) info.com_ports |= 1u << port;
  return info;
}

void dump_board(void* board) { print_to(stderr, "{}", static_cast<Pc*>(board)->dump()); }

RunTimes times_of(Pc& board) {
  RunTimes times;
  times.guest_seconds = static_cast<double>(board.clock().now()) / kNanosPerSecond;
  times.host_cpu_seconds = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return times;
}

/// A reset loads the guest again, as a BIOS would.
void load_on_reset(Pc& board, const BoardInfo& info, const Options& options, std::string& error) {
  board.on_reset([&board, &options, &error, info] {
    reset_firmware(board, info, options.firmware);
    if (boots_by_itself(options)) return;
    const auto entry = load_guest(board.memory(), info, options);
    if (entry && starts_behind_bios(*entry, options)) return;
    if (entry) return enter(board.cpu(), *entry);
    error = entry.error();
    board.leave(1);
  });
}

Result<std::unique_ptr<Engine>> make_engine(Cpu& cpu, const Options& options, Profile& profile) {
  if (!options.jit) return make_interpreter(cpu);
  auto jit = jit_options(options, profile);
  if (!jit) return Error{jit.error()};
  auto engine = make_jit(cpu, std::move(*jit));
  if (engine && !host_saves_x87())
    fmt::print(stderr, "ring3: the host has no XSAVE: x87 and MMX instructions will be slow\n");
  if (engine) return std::unique_ptr<Engine>(std::move(*engine));
  if (options.accel_given) return Error{engine.error()};
  print_to(stderr, "ring3: {}; going on with -accel interp\n", engine.error());
  return make_interpreter(cpu);
}

Status dump_screen(Pc& board, const Options& options) {
  if (options.screendump.empty()) return success();
  const Status saved = save_screen(*board.vga(), options.screendump);
  return saved ? success() : Error{fmt::format("-screendump {}; give another file", saved.error())};
}

/// ring3 blocks --static: translations from the entry on, without a run.
int preview_board(Pc& board, const std::string& error, const Options& options) {
  Profile profile;
  const auto jit = jit_options(options, profile);
  if (!jit) return fail(jit.error());
  board.reset();
  if (!error.empty()) return fail(error);
  constexpr size_t kMostBlocks = 1000;
  if (const Status done = preview_translations(board.cpu(), *jit, kMostBlocks); !done)
    return fail(done.error());
  const Status blocks = write_blocks(profile, summarize(profile, 0), options);
  return blocks ? 0 : fail(blocks.error());
}

decltype(Machine::screendump) screendump_of(Pc& board) {
  if (!board.vga()) return {};
  return [&board](const std::string& path, const std::string& format) {
    return save_screen(*board.vga(), path, format);
  };
}

Machine machine_of(Pc& board, const Options& options) {
  return {.pc = board,
          .name = options.name,
          .engine = options.jit ? "jit" : "interp",
          .screendump = screendump_of(board),
          .block_info = [&options] { return drives_text(options.drives, options.snapshot); },
          .stats = [&board] { return stats_text(board.cpu(), times_of(board), {}); }};
}

int run_board(Pc& board, const BoardInfo& info, const Options& options, Console& console) {
  if (Status loaded = install_firmware(board, info, options); !loaded) return fail(loaded.error());
  BoardInput input(board);
  const auto display = open_display(board, input, options);
  if (!display) return fail(display.error());
  if (*display) board.add_service(**display);
  std::string error;
  load_on_reset(board, info, options, error);
  if (options.report.only_scan) return preview_board(board, error, options);
  set_dump_hook(dump_board, &board);
  Profile profile;
  const auto engine = make_engine(board.cpu(), options, profile);
  if (!engine) return fail(engine.error());
  StateLog hashes;
  if (Status opened = hashes.attach(board, options); !opened) return fail(opened.error());
  ControlPorts controls(board, machine_of(board, options));
  if (Status opened = controls.open(options, console); !opened) return fail(opened.error());
  if (options.start_paused) board.pause();
  board.reset();
  controls.wait_for_clients();
  const int status = error.empty() ? board.run(**engine) : 1;
  set_dump_hook(nullptr, nullptr);
  if (Status dumped = dump_screen(board, options); !dumped) return fail(dumped.error());
  if (!error.empty()) return fail(error);
  const Summary summary = summarize(profile, board.cpu().state.instructions);
  if (const Status stats = write_stats(board.cpu(), times_of(board), summary, options); !stats)
    return fail(stats.error());
  const Status blocks = write_blocks(profile, summary, options);
  return blocks ? status : fail(blocks.error());
}

/// -accel verify. A failed load is noticed in both machines; one tells.
int run_verified(const Options& options, const CpuModel& model, Console& console,
                 const OpenedDrives& drives, verify::Streams*& streams) {
  OpenedDrives second;  // media that are only read: see check_together
  if (Status opened = second.open(options.drives, options.snapshot); !opened)
    return fail(opened.error());
  if (!options.icount_shift)
    print_to(stderr, "ring3: -accel verify counts instructions: -icount shift=1 is on\n");
  std::string error;
  Profile profile;
  verify::Setup setup;
  setup.settings = options.verify;
  setup.boards = {board_config(options, model, console, drives),
                  board_config(options, model, console, second)};
  for (PcConfig& board : setup.boards) board.icount_shift = options.icount_shift.value_or(1);
  setup.prepare = [&](Pc& board) -> Status {
    load_on_reset(board, board_info(console, options), options, error);
    return install_firmware(board, board_info(console, options), options);
  };
  setup.make_jit = [&](Cpu& cpu) -> Result<std::unique_ptr<Jit>> {
    auto jit = jit_options(options, profile);
    if (!jit) return Error{jit.error()};
    return make_jit(cpu, std::move(*jit));
  };
  setup.started = [&streams](verify::Streams& s) { streams = &s; };
  setup.finished = [&](Pc& board) -> Status {
    if (!error.empty()) return Error{error};
    const Summary summary = summarize(profile, board.cpu().state.instructions);
    return write_stats(board.cpu(), times_of(board), summary, options);
  };
  return verify::run(setup);
}

int run_machine(const Options& options) {
  const auto model = CpuModel::parse(options.cpu);
  if (!model) return fail(fmt::format("-cpu {}: {}", options.cpu, model.error()));
  if (Status status = set_up_log(options); !status) return fail(status.error());
  Console console;
  Pc* running = nullptr;
  verify::Streams* streams = nullptr;
  console.on_quit([&] { streams ? streams->quit() : running->leave(0); });
  if (Status status = console.open(options); !status) return fail(status.error());
  OpenedDrives drives;
  if (Status status = drives.open(options.drives, options.snapshot); !status)
    return fail(status.error());
  try {
    if (options.verified) return run_verified(options, *model, console, drives, streams);
    Pc board(board_config(options, *model, console, drives));
    running = &board;
    return run_board(board, board_info(console, options), options, console);
  } catch (const std::bad_alloc&) {
    return fail(fmt::format("-m {}M: the host refuses that much memory; ask for less",
                            options.ram_bytes >> 20));
  }
}

int blocks_main(std::span<const char* const> arguments) {
  auto command = parse_blocks_command(arguments);
  if (!command) return fail(command.error());
  if (command->help) return print(blocks_command_help());
  if (command->file.empty()) return run_machine(command->options);
  const auto report = block_report_of_file(command->file, command->report);
  return report ? print(*report) : fail(report.error());
}

/// As a shell takes it.
std::string command_of(std::span<const char* const> arguments) {
  std::string command = "ring3";
  for (const std::string_view argument : arguments) {
    const bool plain = argument.find_first_of(" \t'\"\\$&;|<>*?()") == std::string_view::npos;
    command += plain ? fmt::format(" {}", argument) : fmt::format(" '{}'", argument);
  }
  return command;
}

int ring3_main(std::span<const char* const> arguments) {
  open_missing_streams();
  if (!arguments.empty() && arguments[0] == std::string_view("blocks"))
    return blocks_main(arguments.subspan(1));
  if (!arguments.empty() && arguments[0] == std::string_view("bench"))
    return bench::run_command(arguments.subspan(1));
  auto options = parse_options(arguments);
  if (!options) return fail(options.error());
  options->verify.command = command_of(arguments);
  switch (options->action) {
    case Options::Action::Help:
      return print(options_help());
    case Options::Action::Version:
      return print("ring3 " RING3_VERSION "\n");
    case Options::Action::CpuHelp:
      return print(CpuModel::help());
    case Options::Action::LogHelp:
      return print(log_help());
    case Options::Action::Run:
      break;
  }
  return run_machine(*options);
}

}  // namespace
}  // namespace ring3

int main(int argc, char** argv) { return ring3::ring3_main({argv + 1, argv + argc}); }
