// SPDX-License-Identifier: MIT
// The monitor for programs: QEMU's QMP, JSON objects both ways (QEMU "QMP Protocol Specification").
// Not implemented: out-of-band commands, transactions, the schema (query-qmp-schema).
#pragma once

#include <string>

#include "monitor/commands.h"
#include "monitor/session.h"

namespace ring3 {

class QmpSession final : public Session {
 public:
  QmpSession(Machine& machine, Send send);
  void feed(u8 byte) override;
  void on_event(MachineEvent event) override;

 private:
  void message(const std::string& text);
  Json answer(const Json& request);
  Json execute(const Json& request);
  void send(const Json& json);

  Machine& machine_;
  Send send_;
  std::string text_;  ///< of the object that is coming in
  unsigned depth_ = 0;
  bool in_string_ = false, escaped_ = false;
  bool negotiated_ = false;
};

}  // namespace ring3
