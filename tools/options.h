// SPDX-License-Identifier: MIT
// The command line of `ring3` as a plain struct. Option names and value syntax are QEMU's where
// QEMU has the option (QEMU 7.2 "Invocation"); -image and -stats are our own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "bios/bench_guest.h"
#include "devices/input_config.h"
#include "host/socket.h"
#include "tools/display_options.h"
#include "tools/drive_options.h"
#include "tools/firmware_options.h"
#include "verify/settings.h"

namespace ring3 {

/// Where a serial line or the debug console goes.
struct CharBackend {
  /// None: the port is not there. Null: it is, and what it gets is dropped.
  enum class Kind : u8 { None, Null, Stdio, File } kind = Kind::Null;
  std::string path;  ///< of File
  bool operator==(const CharBackend&) const = default;
};

/// What the guest's real-time clock shows at power-on.
struct RtcBase {
  enum class Kind : u8 { Utc, LocalTime, Fixed } kind = Kind::Utc;
  i64 seconds = 0;  ///< of Fixed: since 1970-01-01T00:00:00
  bool operator==(const RtcBase&) const = default;
};

/// What `ring3 blocks` shows.
struct BlockReport {
  bool wanted = false;  ///< after a run, on standard output
  bool json = false, summary = false;
  bool only_scan = false;  ///< translate without running
  u64 top = 10;
  std::optional<u64> address;
};

/// Where a monitor's or debugger's client comes from.
struct ControlPort {
  enum class Kind : u8 { None, Stdio, Socket } kind = Kind::None;
  SocketAddress address;  ///< of Socket
  bool wait = false;      ///< for the first client, before the guest starts
  std::string arch;       ///< of gdb: i8086, i386, x86-64; empty: by the guest's mode
  bool operator==(const ControlPort&) const = default;
};

enum class StatsFormat : u8 { None, Text, Json };

struct Options {
  enum class Action : u8 { Run, Help, Version, CpuHelp, LogHelp };
  Action action = Action::Run;

  u64 ram_bytes = u64{128} << 20;  ///< a multiple of 4 KiB
  std::string cpu = "max";         ///< for CpuModel::parse
#ifdef __x86_64__
  bool jit = true;  ///< -accel jit, the default where it is built for the host
#else
  bool jit = false;
#endif
  bool kvm = false;          ///< -accel kvm; `jit` is false then
  bool accel_given = false;  ///< else a host that refuses code memory gets the interpreter
  bool verified = false;     ///< -accel verify
  verify::Settings verify;
  std::vector<std::string> callouts;  ///< -treat MNEMONIC=callout
  std::optional<u64> jit_cache;       ///< bytes of code memory; none: the translator's default
  std::string kernel, initrd, append;
  FirmwareOptions firmware;
  std::string image;           ///< flat test image, or kBenchImage
  BenchChoice bench;           ///< of kBenchImage
  u64 image_address = 0x7C00;  ///< where it is loaded and entered
  u8 image_bits = 16;          ///< 16: real mode, 32: protected mode, 64: long mode
  std::vector<CharBackend> serial = {{CharBackend::Kind::Stdio, ""}};  ///< COM1 to COM4
  std::optional<CharBackend> debugcon;                                 ///< port 402h
  std::optional<u16> debug_exit_port;                                  ///< isa-debug-exit
  bool testdev = false;                                                ///< pc-testdev
  bool shows_display() const { return display.kind != DisplayOption::Kind::None; }
  bool vga = true;  ///< -vga std
  DisplayOption display;
  InputConfig input;       ///< -device virtio-keyboard-pci and its like
  std::string screendump;  ///< a picture of the screen when the run ends; empty: none
  std::vector<DriveOption> drives;
  bool snapshot = false;  ///< no image is written
  bool no_reboot = false;
  std::optional<u8> icount_shift;  ///< an instruction takes 2^shift ns of guest time
  RtcBase rtc;
  std::optional<ControlPort> monitor;  ///< none: behind Ctrl-A C on the serial line's terminal
  std::optional<ControlPort> qmp, gdb;
  bool start_paused = false;  ///< -S
  u32 log_mask = 0;
  std::string log_file;
  std::string name;
  StatsFormat stats = StatsFormat::None;
  std::string stats_file;      ///< empty: standard error
  std::string blocks_file;     ///< -blocks: empty: executions by block are not counted
  size_t blocks_top = 1000;    ///< how many blocks it lists
  BlockReport report;          ///< of `ring3 blocks`
  bool perf_map = false;       ///< names for `perf report`
  std::string hash_file;       ///< empty: no state hashes
  u64 hash_every = 1'000'000;  ///< instructions between two state hashes
};

/// What `-image` calls the bench guest.
inline constexpr std::string_view kBenchImage = "builtin:bench";

inline constexpr u64 kMinRam = u64{1} << 20;
/// What 40 physical address bits hold besides the hole below 4 GiB.
inline constexpr u64 kMaxRam = u64{1023} << 30;

/// Parses the arguments after the program's name. An error is one line: option, value, way out.
Result<Options> parse_options(std::span<const char* const> arguments);

/// The text of -help, from the same table that parse_options reads.
std::string options_help();

}  // namespace ring3
