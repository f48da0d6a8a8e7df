// SPDX-License-Identifier: MIT
#include "core/engine_base.h"

#include "core/system.h"

namespace ring3 {

BlockEngine::BlockEngine(Cpu& cpu) : cpu_(cpu), blocks_(cpu.mmu.memory()) { cpu.blocks = &blocks_; }

BlockEngine::~BlockEngine() { cpu_.blocks = nullptr; }

void BlockEngine::deliver(Cpu& cpu, const Fault& fault) {
  cpu.exits.add(ExitReason::Exception);
  take_fault(cpu, fault);
  ++cpu.state.instructions;
}

/// Signals, at an instruction boundary. True: leave run() with `exit`.
bool BlockEngine::attend(Cpu& cpu, Exit& exit) {
  constexpr u32 kLeave = kSignalReset | kSignalStop | kSignalEvents;
  const u32 signals = cpu.signals.load(std::memory_order_acquire);
  if (signals & kLeave) {
    exit = Exit::Signal;
    return true;
  }
  take_pending(cpu);
  switch (cpu.state.activity) {
    case CpuState::Activity::Active:
      return false;
    case CpuState::Activity::Shutdown:
      exit = Exit::Shutdown;
      return true;
    default:
      exit = Exit::Halted;
      return true;
  }
}

void BlockEngine::single_step(Cpu& cpu) {
  CpuState& st = cpu.state;
  const bool tf = st.has(flag::TF);
  const u64 rip = st.rip();
  before_step(cpu);
  Block& block = blocks_.find_single(cpu);
  const bool repeats = block.insns[0].prefixes & (kRep | kRepne);
  interpret(cpu, block, 0, 1);
  // A repeated string instruction between two iterations: RF is 1 (SDM 3B "Instruction-Breakpoint
  // Exception Condition").
  if (repeats && st.rip() == rip) st.rflags |= flag::RF;
  after_step(cpu, tf);
}

void BlockEngine::step(Cpu& cpu) {
  try {
    Exit exit{};
    if (attend(cpu, exit)) return;
    single_step(cpu);
  } catch (const Fault& fault) {
    take_fault(cpu, fault);
  }
}

}  // namespace ring3
