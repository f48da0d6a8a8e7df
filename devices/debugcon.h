// SPDX-License-Identifier: MIT
// The Bochs/QEMU debug console (port 402h or E9h): bytes out; reads E9h, by which guests find it.
#pragma once

#include "core/device.h"
#include "host/byte_io.h"

namespace ring3 {

class DebugCon final : public Device {
 public:
  static constexpr u8 kReadback = 0xE9;
  explicit DebugCon(ByteSink& out) : out_(out) {}

  std::string_view name() const override { return "debugcon"; }
  u32 read(u32, Width) override { return kReadback; }
  void write(u32, Width, u32 value) override { out_.put(static_cast<u8>(value)); }
  Width max_width() const override { return Width::Byte; }
  void reset() override {}
  void fields(FieldVisitor&) override {}

 private:
  ByteSink& out_;
};

}  // namespace ring3
