// SPDX-License-Identifier: MIT
// The table of options: parsing and -help both come from it.
#include "tools/options.h"

#include <fmt/format.h>

#include <string_view>

#include "base/log.h"
#include "jit/jit.h"
#include "tools/control_options.h"
#include "tools/drive_devices.h"
#include "tools/option_values.h"

namespace ring3 {

namespace {

/// What is collected while parsing, besides the options themselves.
struct Parse {
  Options options;
  size_t serial_lines = 0;  ///< how many -serial were given
  std::vector<DriveDevice> drive_devices;
};

using Set = Status (*)(Parse&, std::string_view value);

enum class Takes : u8 { Nothing, Value, OptionalValue };

struct OptionRow {
  std::string_view name;
  Takes takes;
  std::string_view syntax;  ///< of the value, for -help
  std::string_view help;
  Set set;
};

/// Stores a parsed value, or passes the error on.
template <class T, class Field>
Status store_result(Result<T> result, Field& field) {
  if (!result) return Error{result.error()};
  field = *result;
  return success();
}

template <std::string Options::*field>
Status set_text(Parse& p, std::string_view value) {
  p.options.*field = value;
  return success();
}

template <bool Options::*field>
Status set_flag(Parse& p, std::string_view) {
  p.options.*field = true;
  return success();
}

template <Options::Action action>
Status set_action(Parse& p, std::string_view) {
  p.options.action = action;
  return success();
}

Status set_nothing(Parse&, std::string_view) { return success(); }

/// For options of which ring3 has the empty form only.
Status expect_none(Parse&, std::string_view value) {
  if (value == "none") return success();
  return Error{"ring3 has none yet; give 'none' or leave the option out"};
}

Status set_vga(Parse& p, std::string_view value) {
  p.options.vga = value == "std";
  if (value == "std" || value == "none") return success();
  return Error{"no such card; there are 'std' and 'none'"};
}

Status set_display(Parse& p, std::string_view value) {
  return store_result(parse_display(value), p.options.display);
}

Status set_vnc(Parse& p, std::string_view value) {
  return store_result(parse_display(fmt::format("vnc={}", value)), p.options.display);
}

Status set_machine(Parse&, std::string_view value) {
  if (value == "pc") return success();
  return Error{"no such machine; there is 'pc'"};
}

Status set_ram(Parse& p, std::string_view value) {
  return store_result(parse_ram_size(value), p.options.ram_bytes);
}

Status set_cpu(Parse& p, std::string_view value) {
  if (value == "help") p.options.action = Options::Action::CpuHelp;
  p.options.cpu = value;
  return success();
}

Status set_smp(Parse&, std::string_view value) {
  if (value == "1" || value == "cpus=1") return success();
  return Error{"ring3 has one processor; give 1 or leave the option out"};
}

Status set_bios(Parse& p, std::string_view value) {
  p.options.firmware.own = value == "ring3";
  p.options.firmware.bios = value == "ring3" ? "" : value;
  return success();
}

Status set_boot(Parse& p, std::string_view value) {
  return parse_boot(value, p.options.firmware.boot);
}

Status set_fw_cfg(Parse& p, std::string_view value) {
  const auto item = parse_fw_cfg(value);
  if (item) p.options.firmware.fw_cfg.push_back(*item);
  return item ? success() : Status(Error{item.error()});
}

Status set_option_rom(Parse& p, std::string_view value) {
  p.options.firmware.option_roms.emplace_back(value);
  return success();
}

Status set_accel(Parse& p, std::string_view value) {
  p.options.jit = value == "jit";
  p.options.accel_given = true;
  p.options.verified = value == "verify";
  if (value == "interp" || value == "jit" || value == "verify") return success();
  if (value == "kvm") return Error{"not built yet; use -accel jit"};
  return Error{"no such accelerator; there are 'interp', 'jit' and 'verify'"};
}

Status set_verify(Parse& p, std::string_view value) {
  verify::Settings& v = p.options.verify;
  return parse_properties(value, [&](std::string_view key, std::string_view text) -> Status {
    const auto number = parse_number(text, u64{1} << 60);
    if (!number) return Error{number.error()};
    if (key == "every" && *number > 0) return store_result(number, v.every);
    if (key == "blocks") return store_result(number, v.blocks);
    if (key == "from") return store_result(number, v.from);
    if (key == "stretch" && *number > 0) return store_result(number, v.stretch);
    return Error{"give every=N, blocks=N, from=N or stretch=N, in instructions"};
  });
}

Status set_treat(Parse& p, std::string_view value) {
  constexpr std::string_view kCallout = "=callout";
  if (!value.ends_with(kCallout)) return Error{"give MNEMONIC=callout"};
  p.options.callouts.emplace_back(value.substr(0, value.size() - kCallout.size()));
  return success();
}

Status set_jit_cache(Parse& p, std::string_view value) {
  return store_result(parse_bytes(value, JitOptions::kMinCache, JitOptions::kMaxCache),
                      p.options.jit_cache);
}

Status set_serial(Parse& p, std::string_view value) {
  auto backend = parse_char_backend(value);
  if (!backend) return Error{backend.error()};
  if (p.serial_lines == 4) return Error{"the board has four serial lines"};
  p.options.serial.resize(++p.serial_lines);
  p.options.serial.back() = *backend;
  return success();
}

Status set_debugcon(Parse& p, std::string_view value) {
  return store_result(parse_char_backend(value), p.options.debugcon);
}

Status set_debug_exit(Parse& p, std::string_view properties) {
  p.options.debug_exit_port = 0x501;  // QEMU's default for the device
  return parse_properties(properties, [&](std::string_view key, std::string_view text) -> Status {
    if (key == "iosize") {
      const auto size = parse_number(text, 8);
      return size ? success() : Status(Error{size.error()});
    }
    if (key != "iobase") return Error{fmt::format("no property '{}'; there is iobase", key)};
    return store_result(parse_number(text, 0xFFFF), p.options.debug_exit_port);
  });
}

Status set_device(Parse& p, std::string_view value) {
  const std::string_view device = value.substr(0, value.find(','));
  const std::string_view properties = value.substr(std::min(value.size(), device.size() + 1));
  if (is_drive_device(device)) {
    auto drive = parse_drive_device(device, properties);
    if (drive) p.drive_devices.push_back(std::move(*drive));
    return drive ? success() : Status(Error{drive.error()});
  }
  const auto input = parse_input_device(device, properties, p.options.input);
  if (!input) return Error{input.error()};
  if (*input) return success();
  if (device == "isa-debug-exit") return set_debug_exit(p, properties);
  if (device == "pc-testdev") return set_flag<&Options::testdev>(p, value);
  return Error{
      "no such device; there are virtio-blk-pci, ide-hd, ide-cd (with drive=ID), "
      "isa-debug-exit[,iobase=PORT], pc-testdev, virtio-keyboard-pci, virtio-mouse-pci and "
      "virtio-tablet-pci"};
}

Status set_drive(Parse& p, std::string_view value) {
  auto drive = parse_drive(value);
  if (!drive) return Error{drive.error()};
  p.options.drives.push_back(*drive);
  return success();
}

/// -hda and its like, by the letters of their names.
template <char a, char b, char c>
Status set_disk(Parse& p, std::string_view file) {
  const char name[] = {a, b, c};
  p.options.drives.push_back(drive_shortcut({name, sizeof name}, file));
  return success();
}

Status set_cdrom(Parse& p, std::string_view file) {
  p.options.drives.push_back(drive_shortcut("cdrom", file));
  return success();
}

Status set_image_bits(Options& o, std::string_view text) {
  const auto bits = parse_number(text, 64);
  if (!bits || (*bits != 16 && *bits != 32 && *bits != 64))
    return Error{"bits is 16 (real mode), 32 (protected mode) or 64 (long mode)"};
  o.image_bits = static_cast<u8>(*bits);
  return success();
}

Status set_bench_choice(BenchChoice& choice, std::string_view properties) {
  const Status parsed =
      parse_properties(properties, [&](std::string_view key, std::string_view text) -> Status {
        if (key == "workload") {
          choice.workloads = text;
          return success();
        }
        if (key != "ring" && key != "units")
          return Error{fmt::format("no property '{}'; there are workload, ring and units", key)};
        const auto number = parse_number(text, ~u64{0});
        if (!number) return Error{number.error()};
        if (key == "units") choice.units = *number;
        if (key == "ring") choice.ring = static_cast<u8>(std::min<u64>(*number, 255));
        return success();
      });
  if (!parsed) return parsed;
  const auto image = bench_guest_image(choice);
  return image ? success() : Status(Error{image.error()});
}

Status set_image(Parse& p, std::string_view value) {
  p.options.image = value.substr(0, value.find(','));
  const std::string_view rest = value.substr(std::min(value.size(), p.options.image.size() + 1));
  if (p.options.image == kBenchImage) return set_bench_choice(p.options.bench, rest);
  if (value.starts_with("builtin:"))
    return Error{fmt::format("no such built-in image; there is {}", kBenchImage)};
  return parse_properties(rest, [&](std::string_view key, std::string_view text) -> Status {
    if (key == "bits") return set_image_bits(p.options, text);
    if (key != "address")
      return Error{fmt::format("no property '{}'; there are address and bits", key)};
    return store_result(parse_number(text, 0xFFFFFFFF), p.options.image_address);
  });
}

Status set_monitor(Parse& p, std::string_view value) {
  return store_result(parse_control_port(value), p.options.monitor);
}

Status set_qmp(Parse& p, std::string_view value) {
  return store_result(parse_control_port(value), p.options.qmp);
}

Status set_gdb(Parse& p, std::string_view value) {
  return store_result(parse_gdb_port(value), p.options.gdb);
}

Status set_gdb_default(Parse& p, std::string_view) { return set_gdb(p, "tcp::1234"); }

Status set_icount(Parse& p, std::string_view value) {
  return parse_properties(value, [&](std::string_view key, std::string_view text) -> Status {
    const auto shift = parse_number(text, 10);
    if (key != "shift" || !shift) return Error{"give shift=N with N from 0 to 10"};
    p.options.icount_shift = static_cast<u8>(*shift);
    return success();
  });
}

Status set_rtc(Parse& p, std::string_view value) {
  return parse_properties(value, [&](std::string_view key, std::string_view text) -> Status {
    if (key != "base") return Error{fmt::format("no property '{}'; there is base", key)};
    return store_result(parse_rtc_base(text), p.options.rtc);
  });
}

Status set_log(Parse& p, std::string_view value) {
  if (value == "help") return set_action<Options::Action::LogHelp>(p, value);
  std::string bad;
  const auto mask = parse_log_mask(value, bad);
  if (!mask) return Error{fmt::format("no log category '{}'; -d help lists them", bad)};
  p.options.log_mask |= *mask;
  return success();
}

Status set_stats(Parse& p, std::string_view value) {
  p.options.stats = value.empty() ? StatsFormat::Text : StatsFormat::Json;
  if (value.empty() || value == "json") return success();
  if (!value.starts_with("json:") || value.size() == 5)
    return Error{"give -stats, -stats=json or -stats=json:FILE"};
  p.options.stats_file = value.substr(5);
  return success();
}

Status set_state_hash(Parse& p, std::string_view value) {
  p.options.hash_file = value.substr(0, value.find(','));
  const std::string_view rest =
      value.substr(std::min(value.size(), p.options.hash_file.size() + 1));
  if (p.options.hash_file.empty()) return Error{"give a file: FILE[,every=N]"};
  return parse_properties(rest, [&](std::string_view key, std::string_view text) -> Status {
    const auto every = parse_number(text, ~u64{0});
    if (key != "every" || !every || *every == 0)
      return Error{"give every=N with N instructions, at least 1"};
    p.options.hash_every = *every;
    return success();
  });
}

Status set_blocks(Parse& p, std::string_view value) {
  p.options.blocks_file = value.substr(0, value.find(','));
  const std::string_view rest =
      value.substr(std::min(value.size(), p.options.blocks_file.size() + 1));
  if (p.options.blocks_file.empty()) return Error{"give a file: FILE[,top=N]"};
  return parse_properties(rest, [&](std::string_view key, std::string_view text) -> Status {
    const auto top = parse_number(text, ~u64{0});
    if (key != "top" || !top) return Error{"give top=N with N blocks"};
    p.options.blocks_top = *top;
    return success();
  });
}

constexpr OptionRow kRows[] = {
    {"help", Takes::Nothing, "", "this text", set_action<Options::Action::Help>},
    {"h", Takes::Nothing, "", "", set_action<Options::Action::Help>},
    {"version", Takes::Nothing, "", "the version", set_action<Options::Action::Version>},
    {"name", Takes::Value, "TEXT", "a name for this guest", set_text<&Options::name>},
    {"machine", Takes::Value, "pc", "the board: i440FX with PIIX", set_machine},
    {"M", Takes::Value, "", "", set_machine},
    {"m", Takes::Value, "SIZE", "guest memory: MiB, or with K, M, G, T (default 128M)", set_ram},
    {"cpu", Takes::Value, "MODEL[,+F][,-F]", "processor (default max); -cpu help lists", set_cpu},
    {"smp", Takes::Value, "1", "number of processors", set_smp},
    {"accel", Takes::Value, "interp|jit|verify",
     "how guest code runs (jit); verify: both, compared", set_accel},
    {"verify", Takes::Value, "PROP=N,...",
     "every=2000 instructions chained, then blocks=4 alone; from=N, stretch=N", set_verify},
    {"treat", Takes::Value, "MNEMONIC=callout", "jit: call the interpreter for it", set_treat},
    {"jit-cache", Takes::Value, "SIZE", "jit: memory for translated code: 1M to 1G (64M)",
     set_jit_cache},
    {"bios", Takes::Value, "seabios|FILE", "a BIOS image; seabios: of the Debian package",
     set_bios},
    {"boot", Takes::Value, "[order=]LETTERS", "a floppy, c disk, d CD, n network; once=, menu=on",
     set_boot},
    {"fw_cfg", Takes::Value, "NAME,string=TEXT", "an item for firmware, or file=PATH", set_fw_cfg},
    {"option-rom", Takes::Value, "FILE", "an option ROM for the BIOS; may be given again",
     set_option_rom},
    {"kernel", Takes::Value, "FILE", "Linux bzImage or Multiboot kernel",
     set_text<&Options::kernel>},
    {"initrd", Takes::Value, "FILE", "initial ramdisk, or Multiboot modules",
     set_text<&Options::initrd>},
    {"append", Takes::Value, "TEXT", "the kernel's command line", set_text<&Options::append>},
    {"image", Takes::Value, "FILE[,PROP=X]", "flat image; address=0x7c00, bits=16, 32 or 64",
     set_image},
    {"image", Takes::Value, "builtin:bench[,PROP=X]",
     "the bench guest; workload=A+B, ring=0 or 3, units=N", set_image},
    {"drive", Takes::Value, "file=FILE[,PROP=X]",
     "a disk: format=raw|qcow2, if=ide|virtio|floppy|none,id=ID, index=N, media=disk|cdrom, "
     "readonly=on, "
     "snapshot=on, "
     "cache=MODE, discard=unmap, serial=TEXT",
     set_drive},
    {"hda", Takes::Value, "FILE", "first IDE disk; also -hdb, -hdc, -hdd", set_disk<'h', 'd', 'a'>},
    {"hdb", Takes::Value, "FILE", "", set_disk<'h', 'd', 'b'>},
    {"hdc", Takes::Value, "FILE", "", set_disk<'h', 'd', 'c'>},
    {"hdd", Takes::Value, "FILE", "", set_disk<'h', 'd', 'd'>},
    {"fda", Takes::Value, "FILE", "first floppy disk; also -fdb", set_disk<'f', 'd', 'a'>},
    {"fdb", Takes::Value, "FILE", "", set_disk<'f', 'd', 'b'>},
    {"cdrom", Takes::Value, "FILE", "a CD image, as index 2", set_cdrom},
    {"snapshot", Takes::Nothing, "", "what guests write is dropped at the end",
     set_flag<&Options::snapshot>},
    {"nographic", Takes::Nothing, "", "first serial line on this terminal (the default)",
     set_nothing},
    {"serial", Takes::Value, "BACKEND", "stdio, null, none or file:PATH; up to four times",
     set_serial},
    {"debugcon", Takes::Value, "BACKEND", "debug console on port 402h", set_debugcon},
    {"display", Takes::Value, "none|sdl|curses",
     "the screen in a window or here; vnc=[HOST]:N: port 5900 + N", set_display},
    {"vnc", Takes::Value, "[HOST]:N", "-display vnc=[HOST]:N", set_vnc},
    {"vga", Takes::Value, "std|none", "graphics card: VGA with Bochs VBE (the default)", set_vga},
    {"screendump", Takes::Value, "FILE", "at the end, a picture of the screen: .png or .ppm",
     set_text<&Options::screendump>},
    {"monitor", Takes::Value, "PORT", "stdio, none, unix:PATH,server,nowait or tcp:HOST:PORT,...",
     set_monitor},
    {"qmp", Takes::Value, "PORT", "the monitor for programs, in JSON: unix:PATH,server,nowait",
     set_qmp},
    {"gdb", Takes::Value, "PORT", "gdb's target: tcp:HOST:PORT or unix:PATH, and ,arch=i386",
     set_gdb},
    {"s", Takes::Nothing, "", "-gdb tcp::1234", set_gdb_default},
    {"S", Takes::Nothing, "", "starts stopped, for gdb or the monitor's cont",
     set_flag<&Options::start_paused>},
    {"nic", Takes::Value, "none", "", expect_none},
    {"device", Takes::Value, "NAME[,PROP=X]",
     "virtio-blk-pci,drive=ID, ide-hd, ide-cd, isa-debug-exit,iobase=0xf4, pc-testdev, "
     "virtio-keyboard-pci, -mouse-pci or -tablet-pci",
     set_device},
    {"no-reboot", Takes::Nothing, "", "leave instead of rebooting", set_flag<&Options::no_reboot>},
    {"rtc", Takes::Value, "base=BASE", "utc, localtime or 2026-01-31T12:34:56", set_rtc},
    {"icount", Takes::Value, "shift=N", "2^N ns of guest time per instruction: repeatable runs",
     set_icount},
    {"state-hash", Takes::Value, "FILE[,every=N]",
     "with -icount: a hash of the machine's state each N (1000000) instructions", set_state_hash},
    {"d", Takes::Value, "LIST", "log categories; -d help lists", set_log},
    {"D", Takes::Value, "FILE", "log to FILE (default: standard error)",
     set_text<&Options::log_file>},
    {"blocks", Takes::Value, "FILE[,top=N]",
     "jit: what ran how, for `ring3 blocks FILE`: the N (1000) hottest blocks", set_blocks},
    {"perf-map", Takes::Nothing, "", "jit: names translations for Linux' perf in /tmp/perf-PID.map",
     set_flag<&Options::perf_map>},
    {"stats", Takes::OptionalValue, "[=json[:FILE]]", "counters at the end", set_stats},
};

const OptionRow* find_row(std::string_view name) {
  for (const OptionRow& row : kRows)
    if (row.name == name) return &row;
  return nullptr;
}

/// "-m 1K: reason; way out".
Error option_error(std::string_view option, std::string_view value, const std::string& reason) {
  return {fmt::format("{}{}{}: {}", option, value.empty() ? "" : " ", value, reason)};
}

/// Rules between options.
Status check_together(const Options& o) {
  if (Status status = check_terminal(o); !status) return status;
  if (o.verified &&
      (o.gdb || o.qmp || o.start_paused || (o.monitor && *o.monitor != ControlPort{})))
    return option_error("-accel", "verify", "runs without monitor, QMP, gdb and -S");
  if (!o.image.empty() && !o.kernel.empty())
    return option_error("-image", o.image, "not together with -kernel; give one of them");
  if (!o.initrd.empty() && o.kernel.empty())
    return option_error("-initrd", o.initrd, "needs a kernel; give -kernel FILE too");
  if (!o.hash_file.empty() && !o.icount_shift)
    return option_error("-state-hash", o.hash_file, "compares repeatable runs; give -icount too");
  if (!o.blocks_file.empty() && !o.jit)
    return option_error("-blocks", o.blocks_file, "lists translations; give -accel jit too");
  if (o.jit_cache && !o.jit && !o.verified)
    return option_error("-jit-cache", "", "holds translations; give -accel jit or verify too");
  if (o.perf_map && !o.jit)
    return option_error("-perf-map", "", "names translations; give -accel jit too");
  if (o.shows_display() && (!o.vga || o.verified))
    return option_error("-display", "",
                        "there is no screen; leave -vga none and -accel verify out");
  for (const CharBackend& line : o.serial)
    if (o.display.kind == DisplayOption::Kind::Curses && line.kind == CharBackend::Kind::Stdio)
      return option_error("-display", "curses",
                          "takes the terminal; give -serial null or file:PATH");
  if (!o.screendump.empty() && !o.vga)
    return option_error("-screendump", o.screendump, "there is no screen; leave -vga none out");
  for (const DriveOption& drive : o.drives)
    if (o.verified && !drive.cdrom)
      return option_error(drive.option, drive.image.file,
                          "-accel verify has CD drives only; give -cdrom, or -accel jit");
  if (o.verified && !o.hash_file.empty())
    return option_error("-state-hash", o.hash_file, "not with -accel verify; give interp or jit");
  if (!o.append.empty() && o.kernel.empty())
    return option_error("-append", o.append, "needs a kernel; give -kernel FILE too");
  if (!o.firmware.bios.empty() && !o.image.empty())
    return option_error("-bios", o.firmware.bios,
                        "does not start an -image; give a disk or -kernel, or -bios ring3");
  if (!o.firmware.option_roms.empty() && !o.firmware.own && o.firmware.bios.empty())
    return option_error("-option-rom", o.firmware.option_roms[0],
                        "needs a BIOS to run it; give -bios ring3 too");
  return success();
}

/// Drives without a kernel: a machine that boots from them.
void choose_firmware(Options& o) {
  const bool loads = !o.kernel.empty() || !o.image.empty();
  if (o.firmware.bios.empty() && !loads && !o.drives.empty()) o.firmware.own = true;
}

/// One argument, with its dash: "-stats=json" is name and value. nullopt: not an option.
struct Argument {
  std::string_view name;
  std::optional<std::string_view> value;
};
std::optional<Argument> split_argument(std::string_view text) {
  if (!text.starts_with('-') || text.size() < 2) return std::nullopt;
  text.remove_prefix(text.starts_with("--") ? 2 : 1);
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return Argument{text, std::nullopt};
  return Argument{text.substr(0, equals), text.substr(equals + 1)};
}

/// Parses arguments[at] and its value; `at` moves past them.
Status parse_one(Parse& parse, std::span<const char* const> arguments, size_t& at) {
  const std::string_view text = arguments[at++];
  const auto argument = split_argument(text);
  if (!argument) return Error{fmt::format("{}: not an option; kernels go with -kernel FILE", text)};
  const std::string option = fmt::format("-{}", argument->name);
  const OptionRow* row = find_row(argument->name);
  if (!row) return option_error(option, "", "unknown option; -help lists them");
  if (row->takes == Takes::Nothing && argument->value)
    return option_error(option, "", "takes no value");

  std::string_view value = argument->value.value_or("");
  if (row->takes == Takes::Value && !argument->value) {
    if (at == arguments.size())
      return option_error(option, "", fmt::format("needs a value: {} {}", option, row->syntax));
    value = arguments[at++];
  }
  if (row->takes == Takes::Value && value.empty() && option != "-append")
    return option_error(option, "''", fmt::format("needs a value: {} {}", option, row->syntax));
  Status status = row->set(parse, value);
  return status ? status : option_error(option, value, status.error());
}

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments) {
  Parse parse;
  for (size_t at = 0; at < arguments.size();)
    if (Status status = parse_one(parse, arguments, at); !status) return Error{status.error()};
  // The terminal is the monitor's or QMP's then.
  if (parse.serial_lines == 0 && takes_terminal(parse.options))
    parse.options.serial = {{CharBackend::Kind::Null, ""}};
  // The curses display has the terminal, unless a -serial claims it.
  if (parse.options.display.kind == DisplayOption::Kind::Curses && parse.serial_lines == 0)
    parse.options.serial = {CharBackend{}};
  if (Status s = attach_drives(parse.options.drives, parse.drive_devices); !s)
    return Error{s.error()};
  choose_firmware(parse.options);
  if (Status status = check_together(parse.options); !status) return Error{status.error()};
  return parse.options;
}

std::string options_help() {
  std::string text =
      "usage: ring3 [options]\n"
      "       ring3 blocks ...   what the translator made of a guest; ring3 blocks -help\n"
      "       ring3 bench ...    engines and peers measured; ring3 bench --help\n"
      "Runs an x86 PC in this terminal. Without -kernel or -image it boots the built-in guest.\n"
      "Ctrl-A X quits, Ctrl-A H helps.\n\n";
  for (const OptionRow& row : kRows) {
    if (row.help.empty()) continue;
    const std::string_view gap = row.takes == Takes::Value ? " " : "";
    text +=
        fmt::format("  {:<28} {}\n", fmt::format("-{}{}{}", row.name, gap, row.syntax), row.help);
  }
  return text;
}

}  // namespace ring3
