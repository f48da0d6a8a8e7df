// SPDX-License-Identifier: MIT
#include "devices/apic_bus.h"

namespace ring3 {

bool ApicBus::deliver(const ApicMessage& message) {
  const bool to_one = message.mode == DeliveryMode::LowestPriority;
  ApicTarget* lowest = nullptr;
  bool accepted = false;
  for (ApicTarget* target : targets_) {
    if (!target->addressed_by(message)) continue;
    if (!to_one) {
      accepted |= target->accept(message);
    } else if (!lowest || target->processor_priority() < lowest->processor_priority()) {
      lowest = target;
    }
  }
  return lowest ? lowest->accept(message) : accepted;
}

void ApicBus::deliver_to_all(const ApicMessage& message, const ApicTarget* except) {
  for (ApicTarget* target : targets_)
    if (target != except) target->accept(message);
}

void ApicBus::broadcast_eoi(u8 vector) {
  for (const auto& hook : eoi_hooks_) hook(vector);
}

}  // namespace ring3
