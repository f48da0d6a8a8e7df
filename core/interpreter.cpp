// SPDX-License-Identifier: MIT
// The interpreter: finds the block at rip and calls its handlers one after the other. A guest fault
// is caught here and taken to its handler; signals are looked at between blocks.
#include "base/log.h"
#include "core/block_cache.h"
#include "core/dump.h"
#include "core/engine.h"
#include "core/system.h"

namespace ring3 {
namespace {

class Interpreter final : public Engine {
 public:
  explicit Interpreter(Cpu& cpu) : cpu_(cpu), blocks_(cpu.mmu.memory()) { cpu.blocks = &blocks_; }
  ~Interpreter() override { cpu_.blocks = nullptr; }

  std::string_view name() const override { return "interp"; }
  Exit run(Cpu& cpu, u64 deadline) override;
  void step(Cpu& cpu) override;

 private:
  static constexpr u32 kLeave = kSignalReset | kSignalStop | kSignalEvents;

  Exit run_until_fault(Cpu& cpu, u64 deadline);
  void execute(Cpu& cpu, Block& block, size_t count);
  bool attend(Cpu& cpu, Exit& exit);
  void single_step(Cpu& cpu);

  Cpu& cpu_;
  BlockCache blocks_;
};

/// Runs the first `count` instructions of the block.
void Interpreter::execute(Cpu& cpu, Block& block, size_t count) {
  u64& rip = cpu.state.rip();
  const u64 mask = cpu.state.long64() ? ~u64{0} : 0xFFFFFFFFull;
  const Insn* i = block.insns.data();
  const Insn* const end = i + count;
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
    cpu.state.instructions += static_cast<u64>(i - block.insns.data());
    rip = at;
    throw;
  }
  cpu.state.instructions += count;
}

/// Signals, at an instruction boundary. True: leave run() with `exit`.
bool Interpreter::attend(Cpu& cpu, Exit& exit) {
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

void Interpreter::single_step(Cpu& cpu) {
  CpuState& st = cpu.state;
  const bool tf = st.has(flag::TF);
  const u64 rip = st.rip();
  before_step(cpu);
  Block& block = blocks_.find_single(cpu);
  const bool repeats = block.insns[0].prefixes & (kRep | kRepne);
  execute(cpu, block, 1);
  // A repeated string instruction between two iterations: RF is 1 (SDM 3B "Instruction-Breakpoint
  // Exception Condition").
  if (repeats && st.rip() == rip) st.rflags |= flag::RF;
  after_step(cpu, tf);
}

Exit Interpreter::run_until_fault(Cpu& cpu, u64 deadline) {
  Exit exit{};
  for (;;) {
    if (cpu.signals.load(std::memory_order_relaxed) != 0 ||
        cpu.state.activity != CpuState::Activity::Active) [[unlikely]] {
      if (attend(cpu, exit)) return exit;
      if (cpu.signals.load(std::memory_order_relaxed) & kSignalTrap) {
        if (cpu.state.instructions >= deadline) return Exit::Deadline;
        single_step(cpu);
        continue;
      }
    }
    if (cpu.state.instructions >= deadline) return Exit::Deadline;
    Block& block = blocks_.find(cpu);
    if (g_log_mask != 0) [[unlikely]]
      trace_block(cpu, block);
    execute(cpu, block, block.insns.size());
  }
}

Exit Interpreter::run(Cpu& cpu, u64 deadline) {
  for (;;) {
    try {
      return run_until_fault(cpu, deadline);
    } catch (const Fault& fault) {
      cpu.exits.add(ExitReason::Exception);
      take_fault(cpu, fault);
      // Counts as an instruction: a guest that does nothing but fault reaches the deadline too.
      ++cpu.state.instructions;
    }
    if (cpu.state.activity == CpuState::Activity::Shutdown) return Exit::Shutdown;
  }
}

void Interpreter::step(Cpu& cpu) {
  try {
    Exit exit{};
    if (attend(cpu, exit)) return;
    single_step(cpu);
  } catch (const Fault& fault) {
    take_fault(cpu, fault);
  }
}

}  // namespace

std::unique_ptr<Engine> make_interpreter(Cpu& cpu) { return std::make_unique<Interpreter>(cpu); }

}  // namespace ring3
