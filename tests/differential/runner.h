// SPDX-License-Identifier: MIT
// Programs on both engines, slice by slice; what differs, and the shortest program that still does.
#pragma once

#include <memory>
#include <string>

#include "tests/differential/machine.h"

namespace ring3::differential {

class Runner {
 public:
  Runner();
  /// Empty: equal. Else the report.
  std::string check(u64 seed);
  u64 instructions() const { return instructions_; }
  u64 faults() const { return faults_; }

 private:
  std::string compare(const Program& program);
  std::string look();
  std::string look_at_memory();
  std::string minimal(Program program, std::string report);
  static std::string on_fresh_machines(const Program& program);

  std::unique_ptr<Machine> interp_, jit_;
  u64 instructions_ = 0, faults_ = 0;
};

}  // namespace ring3::differential
