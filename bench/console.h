// SPDX-License-Identifier: MIT
// The console of a guest or of a program that we started, read by lines.
#pragma once

#include <memory>
#include <string>

#include "host/child_process.h"

namespace ring3::bench {

class Console {
 public:
  explicit Console(std::unique_ptr<ChildProcess> process) : process_(std::move(process)) {}

  /// The first line with one of the texts; `other` may be empty. Error: it ended, it said
  /// "bench: error", the time is over, or we were interrupted; with the last lines.
  Result<std::string> find(std::string_view text, double seconds, std::string_view other = {});
  /// Up to and with `text`, which need not end a line.
  Result<std::string> read_to(std::string_view text, double seconds);
  bool send(std::string_view bytes) { return process_->send(bytes); }
  ChildProcess& process() { return *process_; }

 private:
  /// More of what it prints; an error as find() has it.
  Status read_more(u64 deadline, std::string_view wanted);
  std::string last_lines() const;

  std::unique_ptr<ChildProcess> process_;
  std::string rest_;  ///< read, and not yet returned
  std::string last_;
};

/// What a command prints, its standard error included, if it ends well within 10 s; else empty.
std::string output_of(const std::vector<std::string>& command);

inline constexpr std::string_view kInterrupted = "interrupted";

}  // namespace ring3::bench
