// SPDX-License-Identifier: MIT
#include "monitor/monitor_session.h"

#include "monitor/commands.h"

namespace ring3 {
namespace {

constexpr u8 kCtrlU = 0x15, kBackspace = 0x08, kDelete = 0x7F, kEsc = 0x1B;
constexpr size_t kLongestLine = 4096;

}  // namespace

MonitorSession::MonitorSession(Machine& machine, Send send, bool echo)
    : machine_(machine), send_(std::move(send)), echo_(echo) {
  send_("ring3 " RING3_VERSION " monitor - type 'help' for more information\n");
  prompt();
}

void MonitorSession::prompt() { send_("(ring3) "); }

void MonitorSession::feed(u8 byte) {
  if (escape_sequence(byte)) return;
  const bool second = byte == '\n' && after_return_;  // of CR LF
  after_return_ = byte == '\r';
  if (second) return;
  if (byte == '\r' || byte == '\n') return finish_line();
  if (byte == kBackspace || byte == kDelete) return erase(1);
  if (byte == kCtrlU) return erase(line_.size());
  if (byte < 0x20 || line_.size() >= kLongestLine) return;
  line_ += static_cast<char>(byte);
  echo(std::string_view(reinterpret_cast<const char*>(&byte), 1));
}

void MonitorSession::finish_line() {
  echo("\n");
  const std::string line = std::exchange(line_, {});
  if (!line.empty()) history_.push_back(line);
  at_ = history_.size();
  send_(run_line(machine_, line));
  prompt();
}

void MonitorSession::erase(size_t count) {
  for (; count > 0 && !line_.empty(); --count) {
    line_.pop_back();
    echo("\b \b");
  }
}

/// Up and down, ESC [ A and B, walk through former lines; other sequences are dropped.
bool MonitorSession::escape_sequence(u8 byte) {
  if (escape_ == 0 && byte != kEsc) return false;
  if (escape_ == 0 || (escape_ == 1 && byte == '[')) {
    ++escape_;
    return true;
  }
  const bool inside = escape_ == 2 && byte >= 0x20 && byte < 0x40;
  if (escape_ == 2 && byte == 'A' && at_ > 0) recall(at_ - 1);
  if (escape_ == 2 && byte == 'B' && at_ < history_.size()) recall(at_ + 1);
  if (!inside) escape_ = 0;
  return true;
}

void MonitorSession::recall(size_t entry) {
  erase(line_.size());
  at_ = entry;
  if (at_ < history_.size()) line_ = history_[at_];
  echo(line_);
}

}  // namespace ring3
