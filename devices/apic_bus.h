// SPDX-License-Identifier: MIT
// The interrupt messages between I/O APICs and local APICs (SDM 3A "Issuing Interprocessor
// Interrupts", "Delivering Interrupts"). Not emulated: bus arbitration and delays, focus processor.
#pragma once

#include <functional>
#include <vector>

#include "base/types.h"

namespace ring3 {

/// ICR, LVT and redirection table encodings.
enum class DeliveryMode : u8 { Fixed, LowestPriority, Smi, Reserved, Nmi, Init, Startup, ExtInt };

struct ApicMessage {
  u32 destination = 0;
  bool logical = false;
  bool ipi = false;  ///< from an ICR: destinations are as wide as the sender's mode has them
  DeliveryMode mode = DeliveryMode::Fixed;
  u8 vector = 0;
  bool level = false;  ///< level triggered: the EOI is broadcast
};

/// A local APIC as the bus sees it.
class ApicTarget {
 public:
  virtual ~ApicTarget() = default;
  virtual bool addressed_by(const ApicMessage& message) const = 0;
  /// False if it is switched off or software disabled for such messages.
  virtual bool accept(const ApicMessage& message) = 0;
  virtual u8 processor_priority() const = 0;
};

class ApicBus {
 public:
  void attach(ApicTarget& target) { targets_.push_back(&target); }
  void on_eoi(std::function<void(u8 vector)> hook) { eoi_hooks_.push_back(std::move(hook)); }

  /// To whom the destination names; of these to one in lowest priority mode. True if accepted.
  bool deliver(const ApicMessage& message);
  void deliver_to_all(const ApicMessage& message, const ApicTarget* except);
  void broadcast_eoi(u8 vector);

 private:
  std::vector<ApicTarget*> targets_;
  std::vector<std::function<void(u8)>> eoi_hooks_;
};

}  // namespace ring3
