// SPDX-License-Identifier: MIT
// QEMU's isa-debug-exit: a write ends the emulator with status (value << 1) | 1.
#pragma once

#include <functional>
#include <utility>

#include "core/device.h"

namespace ring3 {

class DebugExit final : public Device {
 public:
  static constexpr u32 kPorts = 4;
  explicit DebugExit(std::function<void(int status)> leave) : leave_(std::move(leave)) {}

  std::string_view name() const override { return "isa-debug-exit"; }
  u32 read(u32, Width) override { return 0; }
  void write(u32, Width, u32 value) override { leave_(static_cast<int>(value << 1 | 1)); }
  void reset() override {}
  void fields(FieldVisitor&) override {}

 private:
  std::function<void(int)> leave_;
};

}  // namespace ring3
