// SPDX-License-Identifier: MIT
// What is due at an instruction boundary, in the order of SDM 3A "Prioritization of Concurrent
// Events": INIT and SIPI, traps of the last instruction, NMI, INTR. Not emulated: SMI.
#include "base/log.h"
#include "core/debug.h"
#include "core/delivery.h"

namespace ring3 {

namespace {

using Activity = CpuState::Activity;

constexpr u64 kApicBaseBsp = bit(8);

void deliver_or_fault(Cpu& cpu, const Delivery& d) {
  try {
    deliver_event(cpu, d);
  } catch (const Fault& fault) {
    take_fault(cpu, fault);
  }
}

void take_init(Cpu& cpu) {
  cpu.signals &= ~u32{kSignalInit | kSignalSipi};
  cpu.exits.add(ExitReason::Init);
  const bool bsp = !cpu.apic || (cpu.apic->apic_base() & kApicBaseBsp);
  cpu.init();
  // The bootstrap processor starts over; others wait for a start-up IPI.
  if (!bsp) cpu.state.activity = Activity::WaitForSipi;
}

bool take_sipi(Cpu& cpu) {
  if (!(cpu.signals & kSignalSipi)) return false;
  cpu.signals &= ~u32{kSignalSipi};
  if (cpu.state.activity != Activity::WaitForSipi) return false;
  cpu.exits.add(ExitReason::Sipi);
  Segment& cs = cpu.state.seg[kCs];
  cs.selector = static_cast<u16>(cpu.sipi_vector << 8);
  cs.base = u64{cpu.sipi_vector} << 12;
  cpu.state.rip() = 0;
  cpu.state.activity = Activity::Active;
  cpu.update_mode();
  return true;
}

bool take_traps(Cpu& cpu) {
  // After MOV SS and POP SS debug traps wait for one more instruction.
  if (!cpu.pending_dr6 || (cpu.state.shadow & CpuState::kSsShadow)) return false;
  CpuState& st = cpu.state;
  st.dr[6] |= cpu.pending_dr6;
  st.dr[7] &= ~dr7::GD;
  cpu.pending_dr6 = 0;
  cpu.exits.add(ExitReason::Exception);
  deliver_or_fault(cpu, {static_cast<u8>(Vector::DB), Source::Exception, std::nullopt, st.rip()});
  return true;
}

bool take_nmi(Cpu& cpu) {
  CpuState& st = cpu.state;
  if (!(cpu.signals & kSignalNmi) || st.nmi_blocked || (st.shadow & CpuState::kSsShadow))
    return false;
  cpu.signals &= ~u32{kSignalNmi};
  st.nmi_blocked = true;  // until IRET
  st.activity = Activity::Active;
  cpu.exits.add(ExitReason::Exception);
  deliver_or_fault(cpu, {static_cast<u8>(Vector::NMI), Source::Nmi, std::nullopt, st.rip()});
  return true;
}

bool take_intr(Cpu& cpu) {
  CpuState& st = cpu.state;
  if (!(cpu.signals & kSignalIntr) || !st.has(flag::IF) || st.shadow || !cpu.apic) return false;
  const std::optional<u8> vector = cpu.apic->acknowledge();
  if (!vector) return false;
  st.activity = Activity::Active;
  cpu.exits.add(ExitReason::ExternalInterrupt);
  deliver_or_fault(cpu, {*vector, Source::External, std::nullopt, st.rip()});
  return true;
}

}  // namespace

bool take_pending(Cpu& cpu) {
  if (cpu.signals & kSignalInit) {
    take_init(cpu);
    return true;
  }
  if (take_sipi(cpu)) return true;
  if (cpu.state.activity == Activity::WaitForSipi) return true;
  if (cpu.state.activity == Activity::Shutdown) {
    take_nmi(cpu);  // NMI leaves shutdown
    return true;
  }
  if (take_traps(cpu) || take_nmi(cpu) || take_intr(cpu)) return true;
  return cpu.state.activity != Activity::Active;
}

}  // namespace ring3
