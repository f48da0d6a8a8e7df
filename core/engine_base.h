// SPDX-License-Identifier: MIT
// What the engines that decode guest code share: signals, single steps, faults, and how a block is
// interpreted. They differ in what they do with the block at rip.
#pragma once

#include "core/block_cache.h"
#include "core/debug.h"
#include "core/debug_stops.h"
#include "core/engine.h"

namespace ring3 {

class BlockEngine : public Engine {
 public:
  explicit BlockEngine(Cpu& cpu);
  ~BlockEngine() override;
  void step(Cpu& cpu) final;

 protected:
  /// The body of run(). `run_block(cpu)` runs the block at rip, and more if it likes, until
  /// `deadline` or a signal; it may throw a Fault.
  template <class RunBlock>
  Exit run_blocks(Cpu& cpu, u64 deadline, RunBlock&& run_block);
  /// Runs instructions of the block, from number `first` up to, not with, `behind`. A Fault leaves
  /// rip at its instruction.
  void interpret(Cpu& cpu, Block& block, size_t first, size_t behind);
  /// A Fault that ended a block: to the guest's handler. Counts as an instruction: a guest that
  /// does nothing but fault reaches the deadline too.
  void deliver(Cpu& cpu, const Fault& fault);
  /// For a block with Block::breakpoint, before it runs. True: the debugger stops here.
  static bool stops_at(Cpu& cpu) { return cpu.stops && cpu.stops->check_breakpoint(); }

  Cpu& cpu_;
  BlockCache blocks_;

 private:
  template <class RunBlock>
  Exit run_until_fault(Cpu& cpu, u64 deadline, RunBlock&& run_block);
  bool attend(Cpu& cpu, Exit& exit);
  void single_step(Cpu& cpu);
};

inline void BlockEngine::interpret(Cpu& cpu, Block& block, size_t first, size_t behind) {
  u64& rip = cpu.state.rip();
  const u64 mask = cpu.state.long64() ? ~u64{0} : 0xFFFFFFFFull;
  const Insn* const begin = block.insns.data() + first;
  const Insn* const end = block.insns.data() + behind;
  const Insn* i = begin;
  blocks_.set_current(&block);
  ++block.executions;
  cpu.recent[cpu.next_recent++ % cpu.recent.size()] = rip;
  u64 at = rip;
  try {
    do {
      at = rip;
      rip = (at + i->length) & mask;
      i->handler(cpu, *i);
      ++i;
    } while (i != end);
  } catch (const Fault&) {
    cpu.state.instructions += static_cast<u64>(i - begin);
    rip = at;
    throw;
  }
  cpu.state.instructions += behind - first;
}

template <class RunBlock>
Exit BlockEngine::run_until_fault(Cpu& cpu, u64 deadline, RunBlock&& run_block) {
  Exit exit{};
  for (;;) {
    if (cpu.signals.load(std::memory_order_relaxed) != 0 ||
        cpu.state.activity != CpuState::Activity::Active) [[unlikely]] {
      if (attend(cpu, exit)) return exit;
      if (cpu.signals.load(std::memory_order_relaxed) & kSignalTrap) {
        if (cpu.state.instructions >= deadline) return Exit::Deadline;
        if (cpu.stops && cpu.stops->check_breakpoint()) continue;
        if (!ends_resume(cpu)) {
          single_step(cpu);
          continue;
        }
      }
    }
    if (cpu.state.instructions >= deadline) return Exit::Deadline;
    run_block(cpu);
  }
}

template <class RunBlock>
Exit BlockEngine::run_blocks(Cpu& cpu, u64 deadline, RunBlock&& run_block) {
  for (;;) {
    try {
      return run_until_fault(cpu, deadline, run_block);
    } catch (const Fault& fault) {
      deliver(cpu, fault);
    }
    if (cpu.state.activity == CpuState::Activity::Shutdown) return Exit::Shutdown;
  }
}

}  // namespace ring3
