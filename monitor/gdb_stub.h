// SPDX-License-Identifier: MIT
// The remote side of gdb (GDB manual, appendix "Remote Protocol") for one cpu. Breakpoints and
// watchpoints are DebugStops': nothing is written into the guest. Addresses are linear.
// Not implemented: range stepping, reverse execution, conditions at the target, tracepoints,
// non-stop mode.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/debug_stops.h"
#include "monitor/gdb_packets.h"
#include "monitor/gdb_registers.h"
#include "monitor/machine.h"
#include "monitor/session.h"

namespace ring3 {

/// One session: from a client that came to its leaving.
class GdbSession final : public Session {
 public:
  struct Hooks {
    std::function<void(std::string_view)> send;
    /// A line for the monitor, from `monitor ...`; its answer.
    std::function<std::string(std::string_view)> command;
  };
  /// Stops the machine. `arch`: what gdb is told; none: by the present mode.
  GdbSession(Machine& machine, std::optional<GdbArch> arch, Hooks hooks);
  /// Takes all breakpoints away; the machine goes on.
  ~GdbSession() override;

  void feed(u8 byte) override { packets_.feed(byte); }
  void on_event(MachineEvent event) override;
  bool finished() const override { return detached_; }

 private:
  void packet(std::string_view text);
  std::string reply(std::string_view text);
  std::string query(std::string_view text);
  std::string features(std::string_view range) const;
  std::string remote_command(std::string_view hex);
  std::string v_packet(std::string_view text);
  std::string resume(char action, std::string_view address);
  std::string read_registers() const;
  std::string write_registers(std::string_view hex);
  std::string read_register(std::string_view text) const;
  std::string write_register(std::string_view text);
  std::string read_memory(std::string_view text) const;
  std::string write_memory(std::string_view text);
  std::string change_stop(std::string_view text, bool insert);
  std::string stop_reply();
  void interrupt();

  Machine& machine_;
  Cpu& cpu_;
  Hooks hooks_;
  DebugStops stops_;
  GdbRegisters registers_;
  GdbPackets packets_;
  bool running_ = false;      ///< gdb waits for a stop reply
  bool interrupted_ = false;  ///< by Ctrl-C
  bool detached_ = false;
};

}  // namespace ring3
