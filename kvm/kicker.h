// SPDX-License-Identifier: MIT
// Ends KVM_RUN after a time: a POSIX timer whose signal sets kvm_run.immediate_exit, so that a
// signal that comes just before KVM_RUN is not lost.
#pragma once

#include <linux/kvm.h>

#include <ctime>

#include "base/types.h"

namespace ring3::kvm {

class Kicker {
 public:
  /// For KVM_RUN of the calling thread.
  explicit Kicker(kvm_run& run);
  ~Kicker();
  Kicker(const Kicker&) = delete;

  void arm(u64 nanoseconds);

 private:
  timer_t timer_{};
};

}  // namespace ring3::kvm
