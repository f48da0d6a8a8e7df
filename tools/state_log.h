// SPDX-License-Identifier: MIT
// -state-hash FILE: a line "instructions hash" at the first block boundary past each N
// instructions, so that two -icount runs can be compared with cmp.
#pragma once

#include <cstdio>
#include <memory>

#include "devices/pc.h"
#include "tools/options.h"

namespace ring3 {

class StateLog {
 public:
  /// Does nothing without the option. The board must not outlive this.
  Status attach(Pc& board, const Options& options);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace ring3
