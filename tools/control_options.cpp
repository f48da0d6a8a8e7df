// SPDX-License-Identifier: MIT
#include "tools/control_options.h"

#include <fmt/format.h>

#include "tools/option_values.h"

namespace ring3 {

namespace {

constexpr const char* kWayOut = "give unix:PATH,server,nowait or tcp:HOST:PORT,server,nowait";

/// "HOST:PORT", "[v6]:PORT", ":PORT".
Status parse_tcp(std::string_view text, SocketAddress& address) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return Error{fmt::format("no port; {}", kWayOut)};
  const auto port = parse_number(text.substr(colon + 1), 0xFFFF);
  if (!port || *port == 0) return Error{fmt::format("a port is 1 to 65535; {}", kWayOut)};
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  address = {SocketAddress::Kind::Tcp, "", std::string(host), static_cast<u16>(*port)};
  return success();
}

Status set_flag(ControlPort& port, std::string_view flag) {
  if (flag == "server" || flag == "server=on") return success();
  if (flag == "nowait" || flag == "wait=off" || flag == "wait=on") {
    port.wait = flag == "wait=on";
    return success();
  }
  if (flag.starts_with("arch=")) {
    port.arch = flag.substr(5);
    return success();
  }
  return Error{fmt::format("'{}' is not known; {}", flag, kWayOut)};
}

/// `wait`: unless nowait is given.
Result<ControlPort> parse_socket(std::string_view text, bool wait) {
  ControlPort port;
  port.kind = ControlPort::Kind::Socket;
  port.wait = wait;
  const std::string_view place = text.substr(0, text.find(','));
  if (place.starts_with("unix:") && place.size() > 5) {
    port.address.path = place.substr(5);
  } else if (place.starts_with("tcp:")) {
    if (Status status = parse_tcp(place.substr(4), port.address); !status)
      return Error{status.error()};
  } else {
    return Error{fmt::format("no such port; {}", kWayOut)};
  }
  for (std::string_view rest = text.substr(place.size()); !rest.empty();) {
    rest.remove_prefix(1);
    const std::string_view flag = rest.substr(0, rest.find(','));
    if (Status status = set_flag(port, flag); !status) return Error{status.error()};
    rest.remove_prefix(flag.size());
  }
  return port;
}

bool on_terminal(const std::optional<ControlPort>& port) {
  return port && port->kind == ControlPort::Kind::Stdio;
}

}  // namespace

Result<ControlPort> parse_control_port(std::string_view text) {
  ControlPort port;
  if (text == "none") return port;
  port.kind = ControlPort::Kind::Stdio;
  if (text == "stdio") return port;
  auto socket = parse_socket(text, true);
  if (socket && !socket->arch.empty()) return Error{"arch= is for -gdb"};
  return socket;
}

Result<ControlPort> parse_gdb_port(std::string_view text) {
  if (text == "none") return ControlPort{};
  auto port = parse_socket(text, false);
  if (!port) return port;
  const std::string& arch = port->arch;
  if (!arch.empty() && arch != "i8086" && arch != "i386" && arch != "x86-64")
    return Error{"arch is i8086, i386 or x86-64"};
  return port;
}

bool takes_terminal(const Options& o) { return on_terminal(o.monitor) || on_terminal(o.qmp); }

Status check_terminal(const Options& o) {
  if (!takes_terminal(o)) return success();
  const char* who = on_terminal(o.monitor) ? "-monitor" : "-qmp";
  if (on_terminal(o.monitor) && on_terminal(o.qmp))
    return Error{"-qmp stdio: the terminal is the monitor's; give unix:PATH,server,nowait"};
  for (const CharBackend& serial : o.serial)
    if (serial.kind == CharBackend::Kind::Stdio)
      return Error{
          fmt::format("{} stdio: the terminal is the serial line's; press Ctrl-A C there, "
                      "or give -serial null",
                      who)};
  return success();
}

}  // namespace ring3
