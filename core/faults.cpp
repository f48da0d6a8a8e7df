// SPDX-License-Identifier: MIT
// From a fault to its handler, with the double and triple fault rules (SDM 3A "Interrupt 8 - Double
// Fault Exception").
#include "base/log.h"
#include "core/debug.h"
#include "core/delivery.h"

namespace ring3 {

namespace {

enum class FaultClass : u8 { Benign, Contributory, Page, Double };

FaultClass class_of(Vector v) {
  switch (v) {
    case Vector::DE:
    case Vector::TS:
    case Vector::NP:
    case Vector::SS:
    case Vector::GP:
    case Vector::CP:
      return FaultClass::Contributory;
    case Vector::PF:
      return FaultClass::Page;
    case Vector::DF:
      return FaultClass::Double;
    default:
      return FaultClass::Benign;
  }
}

enum class Escalation : u8 { Serial, DoubleFault, Shutdown };

Escalation combine(Vector first, Vector second) {
  const FaultClass a = class_of(first), b = class_of(second);
  const bool serious = b == FaultClass::Contributory || b == FaultClass::Page;
  if (a == FaultClass::Double && serious) return Escalation::Shutdown;
  if (a == FaultClass::Contributory && b == FaultClass::Contributory)
    return Escalation::DoubleFault;
  if (a == FaultClass::Page && serious) return Escalation::DoubleFault;
  return Escalation::Serial;
}

// What a fault leaves in CR2, DR6 and DR7 before its handler is called.
void note_fault(Cpu& cpu, const Fault& fault) {
  CpuState& st = cpu.state;
  if (fault.vector == Vector::PF) st.cr2 = fault.cr2;
  if (fault.vector == Vector::DB) {
    st.dr[6] |= fault.dr6;
    st.dr[7] &= ~dr7::GD;
  }
}

void shut_down(Cpu& cpu, const Fault& fault) {
  RING3_LOG(Int, "triple fault at {:04x}:{:x}, last vector {:02x} error {:x}",
            cpu.state.seg[kCs].selector, cpu.state.rip(), static_cast<u8>(fault.vector),
            fault.error);
  cpu.exits.add(ExitReason::TripleFault);
  cpu.state.activity = CpuState::Activity::Shutdown;
}

}  // namespace

void take_fault(Cpu& cpu, Fault fault) {
  for (;;) {
    note_fault(cpu, fault);
    const std::optional<u32> error =
        fault.has_error ? std::optional<u32>(fault.error) : std::nullopt;
    // The pushed RF is 1 for faults, but for instruction breakpoints (SDM 3B
    // "Instruction-Breakpoint Exception Condition").
    const bool breakpoint = fault.vector == Vector::DB && (fault.dr6 & 0xF) != 0;
    try {
      deliver_event(cpu, {static_cast<u8>(fault.vector), Source::Exception, error, cpu.state.rip(),
                          !breakpoint});
      return;
    } catch (const Fault& second) {
      switch (combine(fault.vector, second.vector)) {
        case Escalation::Serial:
          fault = second;
          break;
        case Escalation::DoubleFault:
          note_fault(cpu, second);
          fault = {.vector = Vector::DF, .has_error = true};
          break;
        case Escalation::Shutdown:
          return shut_down(cpu, second);
      }
    }
  }
}

}  // namespace ring3
