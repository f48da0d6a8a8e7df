// SPDX-License-Identifier: MIT
// The console's escape key, Ctrl-A, with the commands of QEMU's -nographic that apply here.
#pragma once

#include <functional>
#include <string>

#include "host/byte_io.h"

namespace ring3 {

/// Finds the escape commands in a stream of typed bytes; knows no I/O.
class EscapeFilter {
 public:
  static constexpr u8 kEscape = 0x01;  // Ctrl-A
  enum class Result : u8 { Byte, Nothing, Quit, Help, Break, Monitor };

  /// `Byte`: `byte` goes to the guest.
  Result feed(u8 byte);

  static std::string help();

 private:
  bool escaped_ = false;
};

/// A source without the escape commands of another source; they call the hooks.
class EscapedSource final : public ByteSource {
 public:
  struct Hooks {
    std::function<void()> quit, help, send_break;
    std::function<void()> monitor = {};
    /// True: this byte is the monitor's.
    std::function<bool(u8)> divert = [](u8) { return false; };
  };
  EscapedSource(ByteSource& typed, Hooks hooks) : typed_(typed), hooks_(std::move(hooks)) {}

  size_t take(std::span<u8> out) override;
  bool ended() const override { return typed_.ended(); }
  int handle() const override { return typed_.handle(); }

 private:
  void command(EscapeFilter::Result result);

  ByteSource& typed_;
  Hooks hooks_;
  EscapeFilter filter_;
};

}  // namespace ring3
