// SPDX-License-Identifier: MIT
#include "monitor/gdb_stub.h"

#include <fmt/format.h>

#include <algorithm>

#include "monitor/guest_memory.h"

namespace ring3 {
namespace {

constexpr std::string_view kOk = "OK";
constexpr std::string_view kBadRequest = "E16", kBadAddress = "E0e", kBadValue = "E22";
constexpr int kSigInt = 2, kSigTrap = 5;

/// "ADDRESS,LENGTH".
bool take_range(std::string_view& text, u64& address, u64& length) {
  return take_hex(text, address) && take(text, ',') && take_hex(text, length);
}

}  // namespace

GdbSession::GdbSession(Machine& machine, std::optional<GdbArch> arch, Hooks hooks)
    : machine_(machine),
      cpu_(machine.pc.cpu()),
      hooks_(std::move(hooks)),
      stops_(cpu_),
      registers_(arch.value_or(arch_of(cpu_.state))),
      packets_({.send = hooks_.send,
                .packet = [this](std::string_view text) { packet(text); },
                .interrupt = [this] { interrupt(); }}) {
  machine_.pc.pause();
}

GdbSession::~GdbSession() {
  stops_.clear();
  machine_.pc.resume();
}

void GdbSession::interrupt() {
  if (!running_) return;
  interrupted_ = true;
  machine_.pc.pause();
}

void GdbSession::on_event(MachineEvent event) {
  if (!running_) return;
  if (event == MachineEvent::Shutdown) {
    running_ = false;
    packets_.send("W00");
  }
  if (event != MachineEvent::Stop && event != MachineEvent::Step) return;
  running_ = false;
  // The description is fixed, so registers of another mode are cut or padded: said, not hidden.
  if (arch_of(cpu_.state) == GdbArch::X86_64 && registers_.arch() != GdbArch::X86_64)
    packets_.send("O" + to_hex("ring3: the guest is in 64-bit mode now; registers show 32 bits "
                               "until you connect again\n"));
  packets_.send(stop_reply());
}

std::string GdbSession::stop_reply() {
  const auto hit = stops_.take_hit();
  const int signal = std::exchange(interrupted_, false) && !hit ? kSigInt : kSigTrap;
  std::string text = fmt::format("T{:02x}thread:01;", signal);
  if (!hit || !hit->watch) return text;
  const char* kind = !hit->watch->reads ? "watch" : hit->watch->writes ? "awatch" : "rwatch";
  return text + fmt::format("{}:{:x};", kind, hit->watch->address);
}

void GdbSession::packet(std::string_view text) {
  const std::string answer = reply(text);
  if (!running_) packets_.send(answer);
  if (text == "QStartNoAckMode") packets_.stop_acknowledging();
}

std::string GdbSession::reply(std::string_view text) {
  if (text.empty()) return {};
  const char command = text.front();
  const std::string_view rest = text.substr(1);
  switch (command) {
    case '?':
      return stop_reply();
    case 'g':
      return read_registers();
    case 'G':
      return write_registers(rest);
    case 'p':
      return read_register(rest);
    case 'P':
      return write_register(rest);
    case 'm':
      return read_memory(rest);
    case 'M':
      return write_memory(rest);
    case 'c':
    case 's':
      return resume(command, rest);
    case 'C':
    case 'S':  // with a signal, which a machine has none of
      return resume(command == 'C' ? 'c' : 's', "");
    case 'Z':
    case 'z':
      return change_stop(rest, command == 'Z');
    case 'H':
    case 'T':
      return std::string(kOk);
    case 'D':
      detached_ = true;
      return std::string(kOk);
    case 'k':
      machine_.pc.leave(0);
      return std::string(kOk);
    case 'v':
      return v_packet(rest);
    case 'q':
    case 'Q':
      return query(text);
    default:
      return {};  // not supported
  }
}

std::string GdbSession::v_packet(std::string_view text) {
  if (text == "Cont?") return "vCont;c;C;s;S";
  if (text.starts_with("Kill")) {
    machine_.pc.leave(0);
    return std::string(kOk);
  }
  if (!text.starts_with("Cont;")) return {};
  const char action = text[5 < text.size() ? 5 : 0];
  if (action == 'c' || action == 'C') return resume('c', "");
  if (action == 's' || action == 'S') return resume('s', "");
  return std::string(kBadRequest);
}

std::string GdbSession::query(std::string_view text) {
  if (text.starts_with("qSupported"))
    return fmt::format("PacketSize={:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+",
                       GdbPackets::kMaxPacket);
  if (text == "QStartNoAckMode") return std::string(kOk);
  if (text == "qC") return "QC1";
  if (text == "qAttached") return "1";
  if (text == "qfThreadInfo") return "m1";
  if (text == "qsThreadInfo") return "l";
  if (text.starts_with("qThreadExtraInfo")) return to_hex("CPU 0");
  constexpr std::string_view kFeatures = "qXfer:features:read:target.xml:";
  if (text.starts_with(kFeatures)) return features(text.substr(kFeatures.size()));
  constexpr std::string_view kCommand = "qRcmd,";
  if (text.starts_with(kCommand)) return remote_command(text.substr(kCommand.size()));
  return {};
}

std::string GdbSession::features(std::string_view range) const {
  u64 offset = 0, length = 0;
  if (!take_range(range, offset, length)) return std::string(kBadRequest);
  const std::string text = registers_.description();
  if (offset >= text.size()) return "l";
  length = std::min<u64>(length, GdbPackets::kMaxPacket / 2);
  return (offset + length < text.size() ? "m" : "l") + text.substr(offset, length);
}

std::string GdbSession::remote_command(std::string_view hex) {
  if (!hooks_.command) return {};
  const std::string answer = hooks_.command(from_hex(hex));
  for (size_t at = 0; at < answer.size(); at += GdbPackets::kMaxPacket / 4)
    packets_.send("O" + to_hex(std::string_view(answer).substr(at, GdbPackets::kMaxPacket / 4)));
  return std::string(kOk);
}

std::string GdbSession::resume(char action, std::string_view address) {
  u64 rip = 0;
  if (take_hex(address, rip)) cpu_.state.rip() = rip & cpu_.state.ip_mask;
  running_ = true;
  if (action == 's') {
    machine_.pc.request_step();
  } else {
    machine_.pc.resume();
  }
  return {};
}

std::string GdbSession::read_registers() const {
  std::string text;
  for (size_t n = 0; n < registers_.count(); ++n) text += to_hex(registers_.read(cpu_, n));
  return text;
}

std::string GdbSession::write_registers(std::string_view hex) {
  const std::string all = from_hex(hex);
  size_t at = 0;
  for (size_t n = 0; n < registers_.count() && at + registers_.bytes(n) <= all.size(); ++n) {
    registers_.write(cpu_, n, std::string_view(all).substr(at, registers_.bytes(n)));
    at += registers_.bytes(n);
  }
  return std::string(kOk);
}

std::string GdbSession::read_register(std::string_view text) const {
  u64 number = 0;
  if (!take_hex(text, number) || number >= registers_.count()) return std::string(kBadRequest);
  return to_hex(registers_.read(cpu_, number));
}

std::string GdbSession::write_register(std::string_view text) {
  u64 number = 0;
  if (!take_hex(text, number) || !take(text, '=') || number >= registers_.count())
    return std::string(kBadRequest);
  std::string value = from_hex(text);
  value.resize(registers_.bytes(number));
  return std::string(registers_.write(cpu_, number, value) ? kOk : kBadValue);
}

std::string GdbSession::read_memory(std::string_view text) const {
  u64 address = 0, length = 0;
  if (!take_range(text, address, length)) return std::string(kBadRequest);
  std::string bytes(std::min<u64>(length, GdbPackets::kMaxPacket / 2), '\0');
  const size_t got = peek_linear(cpu_, address, bytes.data(), bytes.size());
  bytes.resize(got);
  return got == 0 && length != 0 ? std::string(kBadAddress) : to_hex(bytes);
}

std::string GdbSession::write_memory(std::string_view text) {
  u64 address = 0, length = 0;
  if (!take_range(text, address, length) || !take(text, ':')) return std::string(kBadRequest);
  const std::string bytes = from_hex(text);
  if (bytes.size() != length) return std::string(kBadRequest);
  return std::string(poke_linear(cpu_, address, bytes.data(), length) ? kOk : kBadAddress);
}

/// "TYPE,ADDRESS,KIND": 0 and 1 breakpoints, 2 write, 3 read, 4 access watchpoints.
std::string GdbSession::change_stop(std::string_view text, bool insert) {
  u64 type = 0, address = 0, kind = 0;
  if (!take_hex(text, type) || !take(text, ',') || !take_range(text, address, kind))
    return std::string(kBadRequest);
  if (type > 4) return {};
  if (registers_.arch() != GdbArch::X86_64) address &= 0xFFFFFFFF;
  if (type <= 1) {
    if (insert) stops_.add_breakpoint(address);
    return std::string(insert || stops_.remove_breakpoint(address) ? kOk : kBadValue);
  }
  const DebugStops::Watch watch{address, std::max<u64>(kind, 1), type != 2, type != 3};
  if (insert) stops_.add_watch(watch);
  return std::string(insert || stops_.remove_watch(watch) ? kOk : kBadValue);
}

}  // namespace ring3
