// SPDX-License-Identifier: MIT
// Names of generated code for the host's profiler: Linux' perf reads /tmp/perf-PID.map.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

class PerfMap {
 public:
  /// A new file. Error: it cannot be made.
  static Result<std::unique_ptr<PerfMap>> create();
  virtual ~PerfMap() = default;
  virtual void add(const u8* code, size_t bytes, std::string_view name) = 0;
};

}  // namespace ring3
