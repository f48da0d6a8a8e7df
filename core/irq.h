// SPDX-License-Identifier: MIT
// Interrupt wires between chips, and the two faces of the interrupt controllers to a cpu.
#pragma once

#include <functional>
#include <optional>

#include "base/types.h"

namespace ring3 {

/// One wire into an interrupt controller. Copyable; a default one is not connected.
class IrqLine {
 public:
  IrqLine() = default;
  explicit IrqLine(std::function<void(bool)> drive) : drive_(std::move(drive)) {}
  void set(bool level) const {
    if (drive_) drive_(level);
  }
  void pulse() const {
    set(true);
    set(false);
  }

 private:
  std::function<void(bool)> drive_;
};

/// The cpu's signal pins as its controllers see them.
class CpuPins {
 public:
  virtual ~CpuPins() = default;
  virtual void set_intr(bool level) = 0;  ///< INTR: an unmasked interrupt waits
  virtual void pulse_nmi() = 0;
  virtual void pulse_init() = 0;
  virtual void pulse_sipi(u8 vector) = 0;
};

/// What answers the cpu's interrupt acknowledge and its APIC registers: the local APIC, with the
/// 8259 pair behind LINT0.
class ApicPort {
 public:
  virtual ~ApicPort() = default;
  /// The vector to deliver now; nullopt if the request went away (spurious for the cpu).
  virtual std::optional<u8> acknowledge() = 0;
  virtual u64 apic_base() const = 0;          ///< IA32_APIC_BASE
  virtual bool set_apic_base(u64 value) = 0;  ///< false: #GP(0)
  virtual u8 task_priority() const = 0;       ///< CR8 = TPR[7:4]
  virtual void set_task_priority(u8 cr8) = 0;
  /// x2APIC registers, index = MSR - 800H. nullopt / false: #GP(0).
  virtual std::optional<u64> read_x2apic(u32 index) = 0;
  virtual bool write_x2apic(u32 index, u64 value) = 0;
  virtual u64 tsc_deadline() const = 0;
  virtual void set_tsc_deadline(u64 tsc) = 0;
};

}  // namespace ring3
