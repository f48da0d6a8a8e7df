// SPDX-License-Identifier: MIT
// An interrupt controller that knows one vector.
#pragma once

#include "core/cpu.h"

namespace ring3 {

/// INTR goes down when it is acknowledged.
class OneInterrupt final : public ApicPort {
 public:
  static constexpr u8 kVector = 0x20;
  explicit OneInterrupt(Cpu& cpu) : cpu_(cpu) {}
  std::optional<u8> acknowledge() override {
    cpu_.set_intr(false);
    return kVector;
  }
  u64 apic_base() const override { return 0xFEE00900; }
  bool set_apic_base(u64) override { return true; }
  u8 task_priority() const override { return 0; }
  void set_task_priority(u8) override {}
  std::optional<u64> read_x2apic(u32) override { return std::nullopt; }
  bool write_x2apic(u32, u64) override { return false; }
  u64 tsc_deadline() const override { return 0; }
  void set_tsc_deadline(u64) override {}

 private:
  Cpu& cpu_;
};

}  // namespace ring3
