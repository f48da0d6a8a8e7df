// SPDX-License-Identifier: MIT
// A chip of the PC that is not emulated: open bus, and one line in the log when a guest comes by.
#pragma once

#include <utility>

#include "base/log.h"
#include "core/device.h"

namespace ring3 {

class Absent final : public Device {
 public:
  explicit Absent(std::string_view what) : what_(what) {}

  std::string_view name() const override { return what_; }
  u32 read(u32 offset, Width width) override {
    report("read", offset);
    return open_bus(width);
  }
  void write(u32 offset, Width, u32) override { report("write", offset); }
  void reset() override {}
  void fields(FieldVisitor&) override {}

 private:
  void report(std::string_view access, u32 offset) {
    if (first_times(seen_, 1))
      RING3_LOG(GuestErrors, "{}: not emulated ({} of register {:#x})", what_, access, offset);
  }
  std::string_view what_;
  u32 seen_ = 0;
};

}  // namespace ring3
