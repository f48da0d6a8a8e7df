// SPDX-License-Identifier: MIT
// What one client has with the machine: a monitor, QMP or gdb session.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "devices/pc.h"

namespace ring3 {

class Session {
 public:
  using Send = std::function<void(std::string_view)>;

  virtual ~Session() = default;
  virtual void feed(u8 byte) = 0;
  virtual void on_event(MachineEvent) {}
  /// The session wants the connection closed.
  virtual bool finished() const { return false; }
};

}  // namespace ring3
