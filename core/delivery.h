// SPDX-License-Identifier: MIT
// Delivery of one interrupt or exception, by mode. All of these throw before any architectural
// change but the writes below the new stack pointer.
#pragma once

#include "core/system.h"

namespace ring3 {

struct Delivery {
  u8 vector;
  Source source;
  std::optional<u32> error;  ///< pushed, if the gate is not a real-mode one
  u64 return_rip;
  bool resume = false;  ///< the pushed image has RF = 1: a fault

  /// INT n, INT3 and INTO need gate DPL >= CPL; faults of their delivery have EXT = 0.
  bool software() const {
    return source == Source::SoftwareInt || source == Source::Int3 || source == Source::Into;
  }
  /// The error code that names the IDT entry.
  u16 idt_error() const { return static_cast<u16>(vector << 3 | 2); }
};

/// As deliver(), with all that a Delivery says.
void deliver_event(Cpu& cpu, const Delivery& d);

void deliver_real(Cpu& cpu, const Delivery& d);
void deliver_protected(Cpu& cpu, const Delivery& d);
void deliver_long(Cpu& cpu, const Delivery& d);

/// The code segment an IDT gate leads to, checked (SDM 2A "INT n"); `d` present code, DPL <= CPL.
Descriptor checked_handler_code(Cpu& cpu, Selector sel);

/// RFLAGS inside a handler: TF, NT, RF, VM clear; IF clear behind an interrupt gate.
u64 handler_flags(u64 rflags, bool interrupt_gate);

/// Software interrupt of virtual-8086 mode (SDM 3B "Interrupt and Exception Handling in
/// Virtual-8086 Mode"): true if it was redirected to the 8086 program's own handler.
bool deliver_virtual8086_int(Cpu& cpu, const Delivery& d);

}  // namespace ring3
