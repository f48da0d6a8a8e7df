// SPDX-License-Identifier: MIT
#include "jit/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace ring3::jit {
namespace {

constexpr unsigned kMaxPerBlock = 8;  ///< translations of one block at different rips

/// The byte offset of a field from CpuState. False: too far for a displacement.
bool reach(const CpuState& state, const void* field, i32& offset) {
  const i64 distance = reinterpret_cast<i64>(field) - reinterpret_cast<i64>(&state);
  offset = static_cast<i32>(distance);
  return std::abs(distance) < std::numeric_limits<i32>::max() - 4096;
}

NativeBlock* first(const Block& block) { return static_cast<NativeBlock*>(block.native); }

}  // namespace

Library::Library(Cpu& cpu, const JitOptions& options, std::unique_ptr<CodeMemory> memory)
    : cpu_(cpu),
      cache_(std::move(memory)),
      context_{.cpu = cpu, .options = options, .decoder = {}, .cache = cache_, .stubs = {}} {}

Library::~Library() = default;

bool Library::prepare(CalloutThunk thunk) {
  const CpuState& s = cpu_.state;
  return reach(s, &cpu_.signals, context_.signals) &&
         reach(s, cpu_.mmu.window_address(), context_.window) &&
         reach(s, cpu_.mmu.generation_address(), context_.generation) &&
         make_stubs(cache_, thunk, context_.stubs);
}

void Library::set_perf_map(std::unique_ptr<PerfMap> map) {
  perf_map_ = std::move(map);
  if (perf_map_) perf_map_->add(cache_.next() - cache_.used(), cache_.used(), "ring3_stubs");
}

NativeBlock* Library::find(const Block& block, u64 rip) const {
  NativeBlock* t = first(block);
  while (t && t->rip != rip) t = t->next;
  return t;
}

NativeBlock* Library::add(Block& block, u64 rip) {
  if (block.crosses || !block.valid) return nullptr;
  unsigned count = 0;
  for (NativeBlock* t = first(block); t; t = t->next) ++count;
  if (count >= kMaxPerBlock) return nullptr;
  const PhysPage page = cpu_.mmu.memory().page(block.start);
  if (!page.host) return nullptr;
  if (cache_.full()) drop_all();
  Translator translator(context_, block, rip);
  std::unique_ptr<NativeBlock> t =
      translator.translate({page.host + block.start.offset(), block.bytes});
  if (!t) return nullptr;
  t->targets = &targets(block.key);
  t->next = first(block);
  block.native = t.get();
  NativeBlock* raw = t.get();
  if (perf_map_) perf_map_->add(t->code, t->code_bytes, fmt::format("guest_{:x}", rip));
  alive_.emplace(raw, std::move(t));
  return raw;
}

void Library::chain(ExitSite& site, NativeBlock& to) {
  if (site.to && site.to != &to) std::erase(site.to->incoming, &site);
  site.code = to.code;
  site.generation = cpu_.mmu.generation();
  if (site.to == &to) return;
  site.to = &to;
  to.incoming.push_back(&site);
}

Targets& Library::targets(u32 key) {
  auto& table = targets_[key];
  if (!table) table = std::make_unique<Targets>();
  return *table;
}

void Library::publish(const NativeBlock& t) {
  (*t.targets)[t.rip & kTargetMask] = {t.rip, cpu_.mmu.generation(), t.code, 0};
}

void Library::unchain(NativeBlock& t) {
  for (ExitSite* site : t.incoming) {
    site->code = context_.stubs.leave_direct;
    site->to = nullptr;
  }
  t.incoming.clear();
  for (auto& site : t.exits) {
    if (site->to) std::erase(site->to->incoming, site.get());
    site->to = nullptr;
    site->code = context_.stubs.leave_direct;
  }
  Target& target = (*t.targets)[t.rip & kTargetMask];
  if (target.code == t.code) target = {};
}

void Library::remove(NativeBlock& t) {
  unchain(t);
  t.dead = true;
  const auto it = alive_.find(&t);
  dead_.push_back(std::move(it->second));
  alive_.erase(it);
}

void Library::on_invalid(Block& block) {
  for (NativeBlock* t = first(block); t;) {
    NativeBlock* next = t->next;
    remove(*t);
    t = next;
  }
  block.native = nullptr;
}

void Library::drop_all() {
  for (auto& [raw, t] : alive_) t->block->native = nullptr;
  for (auto& [key, table] : targets_) table->fill({});
  alive_.clear();
  cache_.empty();
}

}  // namespace ring3::jit
