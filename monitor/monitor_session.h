// SPDX-License-Identifier: MIT
// The monitor for people: a prompt and lines.
#pragma once

#include <string>
#include <vector>

#include "monitor/machine.h"
#include "monitor/session.h"

namespace ring3 {

class MonitorSession final : public Session {
 public:
  /// `echo`: the other side is a terminal in raw mode, which wants to see what is typed.
  MonitorSession(Machine& machine, Send send, bool echo);
  void feed(u8 byte) override;
  void prompt();

 private:
  void finish_line();
  void erase(size_t count);
  void echo(std::string_view text) {
    if (echo_) send_(text);
  }
  void recall(size_t entry);
  bool escape_sequence(u8 byte);

  Machine& machine_;
  Send send_;
  bool echo_;
  std::string line_;
  std::vector<std::string> history_;
  size_t at_ = 0;           ///< in history_
  unsigned escape_ = 0;     ///< bytes of an ESC [ sequence so far
  bool after_return_ = false;
};

}  // namespace ring3
