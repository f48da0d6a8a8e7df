// SPDX-License-Identifier: MIT
// Something of the host's that the machine's loop serves on its thread: monitors, debuggers,
// displays.
#pragma once

#include <vector>

#include "base/types.h"

namespace ring3 {

class HostService {
 public:
  virtual ~HostService() = default;
  /// Adds what Waiter can wait on until there is something to do.
  virtual void add_handles(std::vector<int>& handles) const = 0;
  /// Does what there is to do. Never blocks for long.
  virtual void serve() = 0;
  /// The machine is about to sleep: in how many nanoseconds serve() is wanted without a handle.
  virtual u64 due_in() { return ~u64{0}; }
};

}  // namespace ring3
