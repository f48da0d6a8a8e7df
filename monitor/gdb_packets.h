// SPDX-License-Identifier: MIT
// Framing of the GDB remote serial protocol (GDB manual, appendix "Remote Protocol", "Overview").
// Not implemented: run-length encoding, which is the sender's choice; notifications.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace ring3 {

class GdbPackets {
 public:
  struct Hooks {
    std::function<void(std::string_view)> send;    ///< bytes to gdb
    std::function<void(std::string_view)> packet;  ///< one with a right checksum, unescaped
    std::function<void()> interrupt;               ///< Ctrl-C
  };
  explicit GdbPackets(Hooks hooks) : hooks_(std::move(hooks)) {}

  void feed(u8 byte);
  void send(std::string_view payload);
  void stop_acknowledging() { acknowledge_ = false; }

  static constexpr size_t kMaxPacket = 0x4000;

 private:
  enum class State : u8 { Idle, Payload, FirstDigit, SecondDigit };
  void finish(u8 checksum);

  Hooks hooks_;
  State state_ = State::Idle;
  std::string payload_, last_sent_;
  u8 high_digit_ = 0;
  bool acknowledge_ = true;
};

std::string to_hex(std::string_view bytes);
/// Empty if it is not hexadecimal.
std::string from_hex(std::string_view text);
/// Takes a hexadecimal number off the front; false: there is none.
bool take_hex(std::string_view& text, u64& value);
/// Takes this character off the front; false: it is another.
bool take(std::string_view& text, char expected);

}  // namespace ring3
