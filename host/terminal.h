// SPDX-License-Identifier: MIT
// The terminal that the user sits at, in raw mode while a guest owns it.
#pragma once

namespace ring3 {

/// Raw mode on a descriptor for the life of the object: no echo, no line editing, Ctrl-C and
/// Ctrl-Z go to the guest. The former mode comes back at destruction, at exit, when a signal ends
/// the process, and while the process is stopped. Does nothing on what is not a terminal. One at a
/// time.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  bool active() const { return active_; }

 private:
  bool active_ = false;
};

}  // namespace ring3
