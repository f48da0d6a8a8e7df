// SPDX-License-Identifier: MIT
// A handle that another thread makes readable, to wake who waits on it.
#pragma once

namespace ring3 {

class WakePipe {
 public:
  WakePipe();
  ~WakePipe();
  WakePipe(const WakePipe&) = delete;

  int handle() const { return read_end_; }
  void wake();   ///< from any thread
  void drain();  ///< the handle is not readable any more

 private:
  int read_end_ = -1, write_end_ = -1;
};

}  // namespace ring3
