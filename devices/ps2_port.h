// SPDX-License-Identifier: MIT
// What stands at one end of a PS/2 cable: takes command bytes, has a queue of bytes to send.
#pragma once

#include <array>
#include <initializer_list>
#include <string>

#include "core/device.h"

namespace ring3 {

/// The device's output buffer: a whole key or nothing enters it.
class Ps2Queue {
 public:
  bool empty() const { return s_.count == 0; }
  bool room_for(size_t n) const { return s_.count + n <= s_.bytes.size(); }
  bool push(std::initializer_list<u8> sequence) {
    if (!room_for(sequence.size())) return false;
    for (u8 byte : sequence) s_.bytes[(s_.head + s_.count++) % s_.bytes.size()] = byte;
    return true;
  }
  u8 pop() {
    const u8 byte = s_.bytes[s_.head % s_.bytes.size()];
    s_.head = static_cast<u8>((s_.head + 1) % s_.bytes.size());
    --s_.count;
    s_.last = byte;
    return byte;
  }
  u8 last() const { return s_.last; }  ///< the last byte taken, for the Resend command
  void clear() { s_.count = 0; }
  void reset() { s_ = State{}; }
  void fields(FieldVisitor& v, const std::string& prefix) { v(prefix + ".queue", s_); }

 private:
  struct State {
    std::array<u8, 32> bytes{};
    u8 head = 0, count = 0, last = 0;
  };
  State s_;
};

class Ps2Device {
 public:
  virtual ~Ps2Device() = default;
  virtual void command(u8 byte) = 0;  ///< a byte from the controller, command or argument
  virtual void reset() = 0;
  virtual void fields(FieldVisitor& v, const std::string& prefix) = 0;
  Ps2Queue out;  ///< bytes on their way to the controller
};

}  // namespace ring3
