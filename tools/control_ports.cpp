// SPDX-License-Identifier: MIT
#include "tools/control_ports.h"

#include <fmt/format.h>

#include "monitor/commands.h"
#include "monitor/gdb_stub.h"
#include "monitor/monitor_session.h"
#include "monitor/qmp_session.h"

namespace ring3 {

namespace {

constexpr int kStandardInput = 0, kStandardOutput = 1;

std::optional<GdbArch> arch_named(const std::string& name) {
  if (name == "i8086") return GdbArch::I8086;
  if (name == "i386") return GdbArch::I386;
  if (name == "x86-64") return GdbArch::X86_64;
  return std::nullopt;
}

}  // namespace

std::string drives_text(const std::vector<DriveOption>& drives, bool snapshot) {
  constexpr std::string_view kInterfaces[] = {"IDE", "virtio", "floppy"};
  std::string text;
  for (const DriveOption& drive : drives) {
    const bool empty = drive.image.file.empty();
    text += fmt::format("{}{}: {}", kInterfaces[static_cast<size_t>(drive.interface)],
                        drive.index ? fmt::format(" {}", *drive.index) : "",
                        empty ? "empty" : drive.image.file);
    if (drive.cdrom) text += ", CD-ROM";
    if (drive.image.read_only) text += ", read-only";
    if (drive.image.snapshot || snapshot) text += ", snapshot: writes are dropped at the end";
    text += "\n";
  }
  return text.empty() ? "no drives\n" : text;
}

Status ControlPorts::open(const Options& options, Console& console) {
  const auto monitor = [this](Session::Send send) -> std::unique_ptr<Session> {
    return std::make_unique<MonitorSession>(machine_, std::move(send), raw_ && raw_->active());
  };
  const auto qmp = [this](Session::Send send) -> std::unique_ptr<Session> {
    return std::make_unique<QmpSession>(machine_, std::move(send));
  };
  const auto arch = arch_named(options.gdb ? options.gdb->arch : "");
  const auto gdb = [this, arch](Session::Send send) -> std::unique_ptr<Session> {
    return std::make_unique<GdbSession>(
        machine_, arch, GdbSession::Hooks{std::move(send), [this](std::string_view line) {
                                            return run_line(machine_, line);
                                          }});
  };
  if (Status done = open_port("-monitor", options.monitor, monitor); !done) return done;
  if (Status done = open_port("-qmp", options.qmp, qmp); !done) return done;
  if (Status done = open_port("-gdb", options.gdb, gdb); !done) return done;
  // After the ports' own observers.
  pc_.observe([this](MachineEvent event) {
    if (event == MachineEvent::Reset) machine_.reset_asked = false;
  });
  if (options.monitor || !console.has_terminal()) return success();
  console.on_monitor([this, &console](u8 byte) {
    const bool first = !behind_console_;
    if (first)
      behind_console_ =
          std::make_unique<MonitorSession>(machine_, send_to(console.terminal()), true);
    if (byte != 0) {
      behind_console_->feed(byte);
    } else if (!first) {
      behind_console_->feed('\n');
    }
  });
  return success();
}

Status ControlPorts::open_port(const char* option, const std::optional<ControlPort>& port,
                               OpenSession session) {
  if (!port || port->kind == ControlPort::Kind::None) return success();
  if (port->kind == ControlPort::Kind::Stdio) {
    open_terminal(session);
    return success();
  }
  auto listener = Listener::open(port->address);
  if (!listener) return Error{fmt::format("{} {}; give another", option, listener.error())};
  auto socket = std::make_unique<SocketPort>(pc_, std::move(*listener), std::move(session));
  if (port->wait) waiting_.push_back(socket.get());
  ports_.push_back(std::move(socket));
  return success();
}

void ControlPorts::open_terminal(const OpenSession& session) {
  in_ = std::make_unique<FdSource>(kStandardInput);
  out_ = std::make_unique<FdSink>(kStandardOutput, "standard output");
  raw_ = std::make_unique<RawTerminal>(kStandardInput);
  ports_.push_back(std::make_unique<StreamPort>(pc_, *in_, *out_, session));
}

void ControlPorts::wait_for_clients() {
  for (SocketPort* port : waiting_) port->wait_for_client();
}

}  // namespace ring3
