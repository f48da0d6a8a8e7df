// SPDX-License-Identifier: MIT
// The absolute pointer of VMware's backdoor port (5658h), as QEMU's "vmmouse": Linux' psmouse and
// X drivers find it beside the PS/2 mouse, whose interrupt tells them to look.
// Not emulated: relative mode, the backdoor's other commands but the version's.
#pragma once

#include <array>
#include <functional>
#include <utility>

#include "core/device.h"

namespace ring3 {

/// The cpu's registers that a backdoor access reads and writes: EAX, EBX, ECX, EDX, ESI, EDI.
using BackdoorRegisters = std::array<u32, 6>;

class VmMouse final : public Device {
 public:
  static constexpr u16 kPort = 0x5658;
  struct Wires {
    std::function<BackdoorRegisters()> get;
    std::function<void(const BackdoorRegisters&)> set;  ///< but EAX, which the port read returns
    std::function<void()> kick;                         ///< makes the PS/2 mouse interrupt
  };
  explicit VmMouse(Wires wires) : wires_(std::move(wires)) {}

  /// The guest takes absolute positions.
  bool enabled() const { return s_.absolute; }
  /// `x`, `y`: 0 to FFFFh; buttons as Ps2Mouse::Button; wheel notches, down positive.
  void move(u32 x, u32 y, u8 buttons, int wheel);

  std::string_view name() const override { return "vmmouse"; }
  u32 read(u32 offset, Width width) override;
  void write(u32, Width, u32) override {}
  void reset() override { s_ = State{}; }
  void fields(FieldVisitor& v) override {
    v("active", s_.active)("absolute", s_.absolute);
    v("head", s_.head)("count", s_.count)("queue", s_.queue);
  }

 private:
  static constexpr u32 kQueue = 1024, kPacket = 4;
  struct State {
    bool active = false, absolute = false;
    u32 head = 0, count = 0;
    std::array<u32, kQueue> queue{};
  };
  void command(u32 argument);
  u32 status() const;
  void push(u32 word);

  State s_;
  Wires wires_;
};

}  // namespace ring3
