// SPDX-License-Identifier: MIT
// Port 80h: the POST code, which firmware shows and Linux writes as an I/O delay.
#pragma once

#include "core/device.h"

namespace ring3 {

class PostPort final : public Device {
 public:
  std::string_view name() const override { return "post"; }
  u32 read(u32, Width) override { return code_; }
  void write(u32, Width, u32 value) override { code_ = static_cast<u8>(value); }
  Width max_width() const override { return Width::Byte; }
  void reset() override { code_ = 0; }
  void fields(FieldVisitor& v) override { v("code", code_); }

 private:
  u8 code_ = 0;
};

}  // namespace ring3
