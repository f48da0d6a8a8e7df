// SPDX-License-Identifier: MIT
// The engine: interprets cold blocks as the interpreter does, enters translated code for hot ones.
// Signals, faults and instruction counts follow core/engine_base.h block by block.
#include <set>
#include <utility>

#include "base/log.h"
#include "core/debug.h"
#include "core/dump.h"
#include "core/engine_base.h"
#include "jit/library.h"
#include "jit/profile.h"
#include "jit/residency.h"

namespace ring3 {
namespace {

using namespace jit;

class JitEngine final : public Jit {
 public:
  JitEngine(Cpu& cpu, JitOptions options, std::unique_ptr<CodeMemory> memory)
      : Jit(cpu), options_(std::move(options)), library_(cpu, options_, std::move(memory)) {
    blocks_.set_observer(&library_);
    native_ = library_.prepare({&JitEngine::call_out, &JitEngine::follow});
  }
  ~JitEngine() override { blocks_.set_observer(nullptr); }

  void set_perf_map(std::unique_ptr<PerfMap> map) { library_.set_perf_map(std::move(map)); }
  std::string_view name() const override { return "jit"; }
  Exit run(Cpu& cpu, u64 deadline) override {
    last_ = {};
    return run_blocks(cpu, deadline, [=, this](Cpu& c) { run_block(c, deadline); });
  }

  void demote(ZydisMnemonic mnemonic) override {
    options_.callouts.set(mnemonic);
    library_.drop_all();
  }
  void interpret_at(u64 rip) override {
    interpreted_.insert(rip);
    library_.drop_all();
  }
  std::span<const u8> translation(u64 rip, u32 mode_key) const override {
    return library_.code_at(rip, mode_key);
  }
  bool own_memory() override { return library_.make_own(); }

 private:
  /// The direct exit that translated code was left by, to be chained to what comes next.
  struct LastExit {
    ExitSite* site = nullptr;
    u64 instructions = 0;  ///< when it was left: nothing else may run in between
  };

  void run_block(Cpu& cpu, u64 deadline);
  void chain_last(const Cpu& cpu, NativeBlock& t);
  void extend(Block& block, u64 rip);
  void enter(Cpu& cpu, NativeBlock& t, u64 deadline);
  static After call_out(void* engine, CalloutSite* site, Frame* frame);
  After call_handler(const CalloutSite& site);
  After leave_by(const Fault& fault, u64 rip, const CalloutSite& site);
  After run_rest(const CalloutSite& site, u32 index);
  static bool goes_on(const Block& block, u32 begin, u32 index);
  void interpret_basic(Block& block, u32 begin, u32 index);
  void finish_basic_block(u64 begin, u32 index);
  After go_on(const NativeBlock& from, Frame& frame);
  static const u8* follow(void* engine, ExitSite* site);
  NativeBlock* translated_already();
  u64 poll_mask() const;
  u64 rip_of(const CalloutSite& site) const {
    return (site.from->rip + site.offset) & cpu_.state.ip_mask;
  }

  JitOptions options_;
  Library library_;
  LastExit last_;
  std::optional<Fault> fault_;  ///< of the callout that left translated code
  std::set<u64> interpreted_;   ///< rips of blocks that are not to be translated
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
  CpuState& state = self.cpu_.state;
  if (self.options_.profile && !site->rest) self.options_.profile->count_callout(*site);
  // As it was at the basic block's start: the block's instructions were all taken off at its own.
  const u64 before =
      frame->deadline - static_cast<u64>(frame->budget) - site->from->instructions + site->basic;
  state.instructions = before;
  state.rflags = unpack_flags(state.rflags, frame->flags);
  const After after = site->rest ? self.run_rest(*site, site->index) : self.call_handler(*site);
  if (after == After::GoOn) {
    frame->budget -= static_cast<i64>(state.instructions - before);
  } else {
    frame->budget = static_cast<i64>(frame->deadline - state.instructions);
  }
  frame->flags = pack_flags(state.rflags);
  frame->poll = self.poll_mask();
  const After then = after == After::Jump ? self.go_on(*site->from, *frame) : after;
  self.library_.settle();
  return then;
}

/// Translated code is not unwound: a fault is kept, and taken after it was left.
After JitEngine::call_handler(const CalloutSite& site) {
  CpuState& state = cpu_.state;
  const u64 rip = rip_of(site);
  state.rip() = (rip + site.insn->length) & state.ip_mask;
  const u64 generation = cpu_.mmu.last_generation();
  // A page walk of its own may write to the block.
  const Handler handler = site.insn->handler;
  if (Fault fault; page_fault_ahead(cpu_, *site.insn, site.ahead, fault))
    return leave_by(fault, rip, site);
  try {
    handler(cpu_, *site.insn);
  } catch (const Fault& fault) {
    return leave_by(fault, rip, site);
  }
  // The rest of a block that overwrote itself, or whose page was mapped anew, must not run.
  if (!site.last && !site.from->dead && cpu_.mmu.last_generation() == generation) [[likely]] {
    if (cpu_.signals.load(std::memory_order_relaxed) == 0) [[likely]]
      return After::GoOn;
    if (!stops_after_instruction(cpu_)) return run_rest(site, site.index + 1);
  }
  state.instructions += site.index + 1u - site.basic;
  const Block& block = *site.from->block;
  if (!site.from->dead || site.last || site.index + 1u == block.basic_end(site.index) ||
      !goes_on(block, site.basic, site.index))
    return After::Jump;
  try {
    u64 bytes = 0;
    for (u32 n = 0; n < site.basic; ++n) bytes += block.insns[n].length;
    finish_basic_block(site.from->rip + bytes, site.index + 1u - site.basic);
  } catch (const Fault& fault) {
    fault_ = fault;
    return After::Leave;
  }
  return After::Jump;
}

/// What was overwritten is of other basic blocks than that of instruction `index`, which goes on.
bool JitEngine::goes_on(const Block& block, u32 begin, u32 index) {
  const size_t end = block.basic_end(index);
  u64 from = 0, to = 0;
  for (size_t n = 0; n < end; ++n) {
    if (n == begin) from = to;
    to += block.insns[n].length;
  }
  return block.hit_to <= from || block.hit_from >= to;
}

/// One basic block, or the rest of it.
void JitEngine::interpret_basic(Block& block, u32 begin, u32 index) {
  const size_t end = block.basic_end(index);
  const u64 before = cpu_.state.instructions, rip = cpu_.state.rip();
  interpret(cpu_, block, index, end);
  const u64 ran = cpu_.state.instructions - before;
  if (block.valid || ran >= end - index || !goes_on(block, begin, index)) return;
  u64 bytes = 0;
  for (u32 n = begin; n < index; ++n) bytes += block.insns[n].length;
  finish_basic_block(rip - bytes, index - begin + static_cast<u32>(ran));
}

/// Engines leave between basic blocks only: that at rip `begin`, decoded anew so that what is
/// written to any of its bytes is seen, from its instruction `index` on, which is at rip. Nothing
/// if it is not there any more.
void JitEngine::finish_basic_block(u64 begin, u32 index) {
  const u64 rip = std::exchange(cpu_.state.rip(), begin & cpu_.state.ip_mask);
  Fault fault{};
  Block* const block = blocks_.find(cpu_, fault);
  cpu_.state.rip() = rip;
  if (block && index < block->basic_end(0)) interpret_basic(*block, 0, index);
}

After JitEngine::leave_by(const Fault& fault, u64 rip, const CalloutSite& site) {
  fault_ = fault;
  cpu_.state.rip() = rip;
  cpu_.state.instructions += site.index - site.basic;
  return After::Leave;
}

/// The rest of a block by its handlers: what translated code may not run itself, or what is left
/// when it is time to leave.
After JitEngine::run_rest(const CalloutSite& site, u32 index) {
  CpuState& state = cpu_.state;
  Block& block = *site.from->block;
  if (site.rest) state.rip() = rip_of(site);
  state.instructions += index - site.basic;
  if (index == block.insns.size()) return After::Jump;
  try {
    interpret_basic(block, site.basic, index);
  } catch (const Fault& fault) {
    fault_ = fault;
    return After::Leave;
  }
  return After::Jump;
}

/// After a block's last instruction: straight to the next translation if nothing else is due.
After JitEngine::go_on(const NativeBlock& from, Frame& frame) {
  const CpuState& s = cpu_.state;
  frame.poll = poll_mask();
  if (s.activity != CpuState::Activity::Active || s.instructions >= frame.deadline)
    return After::Leave;
  const u64 due = cpu_.signals.load(std::memory_order_relaxed) & frame.poll;
  if (due != 0 && (due != kSignalTrap || !ends_resume(cpu_))) return After::Leave;
  Targets* const targets = s.mode_key == from.key ? from.targets : library_.targets_of(s.mode_key);
  if (!targets) return After::Leave;
  frame.targets = targets->entries.data();
  frame.salt = library_.select(*targets);
  if (const u8* const code = targets->find(s.rip(), frame.salt)) {
    frame.scratch = reinterpret_cast<u64>(code);
    return After::Jump;
  }
  // What the table does not know any more, or not in this address space.
  NativeBlock* const t = translated_already();
  if (!t) return After::Leave;
  library_.publish(*t, blocks_.found_global(cpu_, *t->block));
  frame.scratch = reinterpret_cast<u64>(t->body());
  return After::Jump;
}

/// The translation of what stands at rip, if that was decoded and can be fetched. Nothing is freed:
/// translated code runs.
NativeBlock* JitEngine::translated_already() {
  const Block* const block = blocks_.find_mapped(cpu_);
  if (!block || block->breakpoint || g_log_mask != 0) return nullptr;
  return Library::takes(cpu_, *block) ? library_.find(*block, cpu_.state.rip()) : nullptr;
}

/// The way on from a direct exit that is not linked, or not in this address space: null if run()
/// has to find it.
const u8* JitEngine::follow(void* engine, ExitSite* site) {
  JitEngine& self = *static_cast<JitEngine*>(engine);
  self.cpu_.state.rip() = site->target;
  NativeBlock* const t = self.translated_already();
  if (!t || site->from->dead || site->from->key != t->key) return nullptr;
  const bool global = self.blocks_.found_global(self.cpu_, *t->block);
  site->entry ? self.library_.publish(*t, global) : self.library_.chain(*site, *t, global);
  self.library_.settle();
  return t->body();
}

void JitEngine::enter(Cpu& cpu, NativeBlock& t, u64 deadline) {
  CpuState& s = cpu.state;
  cpu.recent[cpu.next_recent++ % cpu.recent.size()] = s.rip();
  blocks_.set_current(nullptr);
  const u64 left_over = deadline - s.instructions;
  const i64 budget = static_cast<i64>(std::min(left_over, u64{1} << 62));
  const Entry entry{.state = &s,
                    .code = t.body(),
                    .budget = budget,
                    .deadline = s.instructions + static_cast<u64>(budget),
                    .engine = this,
                    .targets = t.targets->entries.data(),
                    .flags = pack_flags(s.rflags),
                    .poll = poll_mask(),
                    .salt = library_.select(*t.targets)};
  library_.settle();
  const Left left = library_.stubs().enter(&entry);
  s.rflags = unpack_flags(s.rflags, left.flags);
  last_ = {left.site, s.instructions};
  if (left.site) s.rip() = left.site->target;
  if (!fault_) return;
  const Fault fault = *fault_;
  fault_.reset();
  deliver(cpu, fault);
}

void JitEngine::chain_last(const Cpu& cpu, NativeBlock& t) {
  const ExitSite* site = last_.site;
  if (last_.instructions == cpu.state.instructions && site->target == t.rip && !site->entry &&
      !site->from->dead && site->from->key == t.key)
    library_.chain(*last_.site, t, blocks_.found_global(cpu, *t.block));
}

/// By what ran as often as not after it, so that flags, probes and the poll are for all of it.
void JitEngine::extend(Block& block, u64 rip) {
  if (block.native) return;
  const u8 residents = residents_of(block);
  const auto joins = [&](const Block& next, u64 offset) {
    return (next.native || next.executions >= options_.extend_after) &&
           (residents_of(next) & ~residents) == 0 &&
           !interpreted_.contains((rip + offset) & cpu_.state.ip_mask);
  };
  blocks_.extend(cpu_, block, joins, options_.extend_after == 0);
}

void JitEngine::run_block(Cpu& cpu, u64 deadline) {
  Fault fault{};
  Block* const found = blocks_.find(cpu, fault);
  if (!found) return deliver(cpu, fault);
  Block& block = *found;
  if (block.breakpoint && stops_at(cpu)) [[unlikely]]
    return;
  if (g_log_mask != 0) [[unlikely]]
    trace_block(cpu, block);
  const u64 rip = cpu.state.rip();
  NativeBlock* t = nullptr;
  if (native_ && Library::takes(cpu, block)) {
    t = library_.find(block, rip);
    if (!t && block.executions >= options_.threshold && !interpreted_.contains(rip)) {
      last_ = {};  // the cache may be emptied
      extend(block, rip);
      t = library_.add(block, rip);
    }
  }
  if (last_.site && t) chain_last(cpu, *t);
  last_ = {};
  if (!t) {
    if (options_.profile) options_.profile->count_interpreted(cpu, block);
    return interpret_basic(block, 0, 0);
  }
  library_.publish(*t, blocks_.found_global(cpu, block));
  enter(cpu, *t, deadline);
}

}  // namespace

Result<std::unique_ptr<Jit>> make_jit(Cpu& cpu, JitOptions options) {
  auto memory = CodeMemory::create(options.cache_bytes);
  if (!memory) return Error{memory.error()};
  const bool named = options.perf_map;
  auto engine = std::make_unique<JitEngine>(cpu, std::move(options), std::move(*memory));
  if (!named) return std::unique_ptr<Jit>(std::move(engine));
  auto map = PerfMap::create();
  if (!map) return Error{map.error()};
  engine->set_perf_map(std::move(*map));
  return std::unique_ptr<Jit>(std::move(engine));
}

}  // namespace ring3
