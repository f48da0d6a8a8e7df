// SPDX-License-Identifier: MIT
// Programs that are run beside this one and talked to by lines: other emulators, and ring3 itself.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

/// A raw terminal without a person. For programs whose serial line wants the name of one.
class PseudoTerminal {
 public:
  static Result<std::unique_ptr<PseudoTerminal>> open();
  ~PseudoTerminal();
  const std::string& name() const { return name_; }
  int handle() const { return ours_; }

 private:
  int ours_ = -1, theirs_ = -1;
  std::string name_;
};

class ChildProcess {
 public:
  struct How {
    std::vector<std::pair<std::string, std::string>> environment;  ///< added to ours
    bool one_processor = false;                                    ///< stays on one of the host's
    std::unique_ptr<PseudoTerminal> terminal;  ///< what we read and write instead of pipes
  };
  enum class Got : u8 { Data, Nothing, End };

  /// Standard error goes where its output goes. It ends with this process, and Ctrl-C in our
  /// terminal does not reach it. Error: it cannot be started.
  static Result<std::unique_ptr<ChildProcess>> start(const std::vector<std::string>& command,
                                                     How how);
  ~ChildProcess();  ///< kills it

  bool send(std::string_view bytes);
  /// Appends what it prints within that time. A signal may end the wait early.
  Got receive(std::string& to, u64 nanoseconds);
  /// Of all its threads, while it lives.
  u64 cpu_nanoseconds() const;
  void hold();  ///< stops it until go_on()
  void go_on();
  void interrupt();  ///< as Ctrl-C does
  void kill();       ///< and waits for its end
  /// Its status once it has ended within that time; 128 + the signal that ended it.
  std::optional<int> wait(u64 nanoseconds);
  int number() const { return number_; }

 private:
  ChildProcess() = default;
  int number_ = -1, input_ = -1, output_ = -1;
  std::optional<int> status_;
  std::unique_ptr<PseudoTerminal> terminal_;
};

/// The path of the program that runs.
std::string own_program();

/// From its construction on, the first Ctrl-C (or SIGTERM) is noted; a second one ends us.
class InterruptWatch {
 public:
  InterruptWatch();
  static bool asked();
};

}  // namespace ring3
