// SPDX-License-Identifier: MIT
// The host's ends of serial lines and the debug console, as the options name them: the terminal,
// files, nothing.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "host/escape_filter.h"
#include "host/fd_io.h"
#include "host/terminal.h"
#include "tools/options.h"

namespace ring3 {

class Console {
 public:
  /// What Ctrl-A X does.
  void on_quit(std::function<void()> quit) { quit_ = std::move(quit); }

  /// A serial line is on the terminal.
  bool has_terminal() const { return input_ != nullptr; }
  ByteSink& terminal() { return *output_; }
  /// Ctrl-A C: bytes typed from then on; 0 when the monitor comes to the front.
  void on_monitor(std::function<void(u8 byte)> monitor) { monitor_ = std::move(monitor); }

  /// Opens every backend; the first serial line on the terminal gets what is typed.
  Status open(const Options& options);

  std::array<ByteSink*, 4> serial{};
  std::array<ByteSource*, 4> serial_input{};
  ByteSink* debugcon = nullptr;

 private:
  Result<ByteSink*> sink(std::string_view option, const CharBackend& backend);
  ByteSink* terminal_output();
  ByteSource* terminal_input();
  void help();
  void switch_monitor();

  std::function<void()> quit_;
  std::function<void(u8)> monitor_;
  bool in_monitor_ = false;
  std::vector<std::unique_ptr<ByteSink>> sinks_;
  ByteSink* output_ = nullptr;  ///< standard output, once it is in use
  std::unique_ptr<FdSource> typed_;
  std::unique_ptr<EscapedSource> input_;
  std::unique_ptr<RawTerminal> raw_;
};

}  // namespace ring3
