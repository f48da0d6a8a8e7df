// SPDX-License-Identifier: MIT
// Copies of this process and pipes between them: a copy that waits is a snapshot of everything.
#pragma once

#include <span>

#include "base/types.h"

namespace ring3 {

/// One direction, for whole messages.
class Pipe {
 public:
  Pipe();  ///< throws std::bad_alloc if the host has no descriptors left
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  bool write(std::span<const u8> bytes);
  /// All of `bytes`. False: every writer is gone, or an error.
  bool read(std::span<u8> bytes);
  int read_handle() const { return read_end_; }  ///< for Waiter
  void close_read();
  void close_write();

  template <class T>
  bool write_value(const T& value) {
    return write({reinterpret_cast<const u8*>(&value), sizeof value});
  }
  template <class T>
  bool read_value(T& value) {
    return read({reinterpret_cast<u8*>(&value), sizeof value});
  }

 private:
  int read_end_ = -1, write_end_ = -1;
};

/// 0 in the copy, its number in the original, -1 if the host refuses. Only while there is one
/// thread. Memory that is mapped shared stays common.
int copy_process();
/// The copy's exit status, or -1 if it was killed.
int wait_for_process(int number);
/// Ends this process at once: nothing is destroyed or flushed.
[[noreturn]] void end_process(int status);

}  // namespace ring3
