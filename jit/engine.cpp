// SPDX-License-Identifier: MIT
// The engine: interprets cold blocks as the interpreter does, enters translated code for hot ones.
// Signals, faults and instruction counts follow core/interpreter.cpp block by block.
#include "base/log.h"
#include "core/dump.h"
#include "core/system.h"
#include "jit/library.h"

namespace ring3 {
namespace {

using namespace jit;

class JitEngine final : public Engine {
 public:
  JitEngine(Cpu& cpu, JitOptions options, std::unique_ptr<CodeMemory> memory)
      : cpu_(cpu),
        options_(std::move(options)),
        blocks_(cpu.mmu.memory()),
        library_(cpu, options_, std::move(memory)) {
    cpu.blocks = &blocks_;
    blocks_.set_observer(&library_);
    native_ = library_.prepare(&JitEngine::call_out);
  }
  ~JitEngine() override {
    blocks_.set_observer(nullptr);
    cpu_.blocks = nullptr;
  }

  std::string_view name() const override { return "jit"; }
  Exit run(Cpu& cpu, u64 deadline) override;
  void step(Cpu& cpu) override;

 private:
  static constexpr u32 kLeave = kSignalReset | kSignalStop | kSignalEvents;

  Exit run_until_fault(Cpu& cpu, u64 deadline);
  void run_block(Cpu& cpu, u64 deadline, ExitSite*& last);
  void enter(Cpu& cpu, NativeBlock& t, u64 deadline, ExitSite*& last);
  void interpret(Cpu& cpu, Block& block, size_t count);
  bool attend(Cpu& cpu, Exit& exit);
  void single_step(Cpu& cpu);
  static After call_out(void* engine, CalloutSite* site, Frame* frame);
  After call_handler(const CalloutSite& site, Frame& frame);
  After interpret_rest(const CalloutSite& site, Frame& frame);
  After go_on(const NativeBlock& from, Frame& frame);
  u64 poll_mask() const;

  Cpu& cpu_;
  JitOptions options_;
  BlockCache blocks_;
  Library library_;
  std::optional<Fault> fault_;  ///< of the callout that left translated code
  bool native_ = false;
};

/// INTR is no reason to leave while IF is clear, else code that runs so would leave after each
/// block.
u64 JitEngine::poll_mask() const {
  const u32 ignored = cpu_.state.has(flag::IF) ? 0u : u32{kSignalIntr};
  return ~u64{ignored};
}

After JitEngine::call_out(void* engine, CalloutSite* site, Frame* frame) {
  JitEngine& self = *static_cast<JitEngine*>(engine);
  u64& rflags = self.cpu_.state.rflags;
  rflags = unpack_flags(rflags, frame->flags);
  const After after =
      site->rest ? self.interpret_rest(*site, *frame) : self.call_handler(*site, *frame);
  frame->flags = pack_flags(rflags);
  return after;
}

/// Translated code is not unwound: a fault is kept, and taken after it was left.
After JitEngine::call_handler(const CalloutSite& site, Frame& frame) {
  CpuState& state = cpu_.state;
  state.rip() = site.next_rip;
  const u64 generation = cpu_.mmu.generation();
  try {
    site.insn->handler(cpu_, *site.insn);
  } catch (const Fault& fault) {
    fault_ = fault;
    state.rip() = site.rip;
    state.instructions += site.index;
    return After::Leave;
  }
  // The rest of a block that overwrote itself, or whose page was mapped anew, must not run.
  if (!site.last && !site.from->dead && cpu_.mmu.generation() == generation) [[likely]]
    return After::GoOn;
  state.instructions += site.index + 1;
  return go_on(*site.from, frame);
}

/// What translated code may not run itself: the block's instructions from the site's on.
After JitEngine::interpret_rest(const CalloutSite& site, Frame& frame) {
  CpuState& state = cpu_.state;
  const std::vector<Insn>& insns = site.from->block->insns;
  u64 at = state.rip() = site.rip;
  u32 n = site.index;
  try {
    do {
      at = state.rip();
      state.rip() = (at + insns[n].length) & state.linear_mask;
      insns[n].handler(cpu_, insns[n]);
      ++n;
    } while (n < insns.size() && !site.from->dead);
  } catch (const Fault& fault) {
    fault_ = fault;
    state.rip() = at;
    state.instructions += n;
    return After::Leave;
  }
  state.instructions += n;
  return go_on(*site.from, frame);
}

/// After a block's last instruction: straight to the next translation if nothing else is due.
After JitEngine::go_on(const NativeBlock& from, Frame& frame) {
  const CpuState& s = cpu_.state;
  frame.poll = poll_mask();
  if ((cpu_.signals.load(std::memory_order_relaxed) & frame.poll) != 0 ||
      s.activity != CpuState::Activity::Active || s.instructions >= frame.deadline ||
      s.mode_key != from.key)
    return After::Leave;
  const Target& next = (*from.targets)[s.rip() & kTargetMask];
  if (next.rip != s.rip() || next.generation != cpu_.mmu.generation()) return After::Leave;
  frame.scratch = reinterpret_cast<u64>(next.code);
  return After::Jump;
}

void JitEngine::enter(Cpu& cpu, NativeBlock& t, u64 deadline, ExitSite*& last) {
  CpuState& s = cpu.state;
  cpu.recent[cpu.next_recent++ % cpu.recent.size()] = s.rip();
  const Entry entry{&s,         t.code, deadline, this, t.targets->data(), pack_flags(s.rflags),
                    poll_mask()};
  const Left left = library_.stubs().enter(&entry);
  s.rflags = unpack_flags(s.rflags, left.flags);
  last = left.site;
  if (last) s.rip() = last->target;
  if (!fault_) return;
  const Fault fault = *fault_;
  fault_.reset();
  cpu.exits.add(ExitReason::Exception);
  take_fault(cpu, fault);
  ++cpu.state.instructions;  // as in run()
}

/// Runs the first `count` instructions of the block, as the interpreter does.
void JitEngine::interpret(Cpu& cpu, Block& block, size_t count) {
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

/// `last`: the exit that translated code was left by, to be chained to what comes next.
void JitEngine::run_block(Cpu& cpu, u64 deadline, ExitSite*& last) {
  Block& block = blocks_.find(cpu);
  if (g_log_mask != 0) [[unlikely]]
    trace_block(cpu, block);
  const u64 rip = cpu.state.rip();
  NativeBlock* t = nullptr;
  if (native_ && cpu.state.long64()) {
    t = library_.find(block, rip);
    if (!t && block.executions >= options_.threshold) {
      last = nullptr;  // the cache may be emptied
      t = library_.add(block, rip);
    }
  }
  if (last && t && last->target == rip && !last->from->dead && last->from->key == t->key)
    library_.chain(*last, *t);
  last = nullptr;
  library_.bury();
  if (!t) return interpret(cpu, block, block.insns.size());
  library_.publish(*t);
  enter(cpu, *t, deadline, last);
}

/// Signals, at an instruction boundary. True: leave run() with `exit`.
bool JitEngine::attend(Cpu& cpu, Exit& exit) {
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

void JitEngine::single_step(Cpu& cpu) {
  const bool tf = cpu.state.has(flag::TF);
  const u64 rip = cpu.state.rip();
  before_step(cpu);
  Block& block = blocks_.find_single(cpu);
  const bool repeats = block.insns[0].prefixes & (kRep | kRepne);
  interpret(cpu, block, 1);
  if (repeats && cpu.state.rip() == rip) cpu.state.rflags |= flag::RF;  // as in the interpreter
  after_step(cpu, tf);
}

Exit JitEngine::run_until_fault(Cpu& cpu, u64 deadline) {
  Exit exit{};
  ExitSite* last = nullptr;
  for (;;) {
    if (cpu.signals.load(std::memory_order_relaxed) != 0 ||
        cpu.state.activity != CpuState::Activity::Active) [[unlikely]] {
      if (attend(cpu, exit)) return exit;
      if (cpu.signals.load(std::memory_order_relaxed) & kSignalTrap) {
        if (cpu.state.instructions >= deadline) return Exit::Deadline;
        last = nullptr;
        single_step(cpu);
        continue;
      }
    }
    if (cpu.state.instructions >= deadline) return Exit::Deadline;
    run_block(cpu, deadline, last);
  }
}

Exit JitEngine::run(Cpu& cpu, u64 deadline) {
  for (;;) {
    try {
      return run_until_fault(cpu, deadline);
    } catch (const Fault& fault) {
      cpu.exits.add(ExitReason::Exception);
      take_fault(cpu, fault);
      ++cpu.state.instructions;  // as the interpreter counts
    }
    if (cpu.state.activity == CpuState::Activity::Shutdown) return Exit::Shutdown;
  }
}

void JitEngine::step(Cpu& cpu) {
  try {
    Exit exit{};
    if (attend(cpu, exit)) return;
    single_step(cpu);
  } catch (const Fault& fault) {
    take_fault(cpu, fault);
  }
}

}  // namespace

Result<std::unique_ptr<Engine>> make_jit(Cpu& cpu, JitOptions options) {
  auto memory = CodeMemory::create(options.cache_bytes);
  if (!memory) return Error{memory.error()};
  return std::unique_ptr<Engine>(
      std::make_unique<JitEngine>(cpu, std::move(options), std::move(*memory)));
}

}  // namespace ring3
