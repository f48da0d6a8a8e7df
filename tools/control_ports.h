// SPDX-License-Identifier: MIT
// The monitors and the gdb stub of one run, as the options ask for them.
#pragma once

#include <memory>
#include <vector>

#include "host/fd_io.h"
#include "host/terminal.h"
#include "monitor/machine.h"
#include "monitor/ports.h"
#include "tools/console.h"
#include "tools/options.h"

namespace ring3 {

/// `info block`: what the options put into which kind of drive.
std::string drives_text(const std::vector<DriveOption>& drives, bool snapshot);

class ControlPorts {
 public:
  ControlPorts(Pc& pc, Machine machine) : pc_(pc), machine_(std::move(machine)) {}

  /// Error: a port that cannot be opened.
  Status open(const Options& options, Console& console);
  /// Waits for clients that the guest must not start without.
  void wait_for_clients();

 private:
  Status open_port(const char* option, const std::optional<ControlPort>& port, OpenSession session);
  void open_terminal(const OpenSession& session);

  Pc& pc_;
  Machine machine_;
  std::vector<std::unique_ptr<HostService>> ports_;
  std::vector<SocketPort*> waiting_;
  std::unique_ptr<Session> behind_console_;
  std::unique_ptr<FdSource> in_;
  std::unique_ptr<FdSink> out_;
  std::unique_ptr<RawTerminal> raw_;
};

}  // namespace ring3
