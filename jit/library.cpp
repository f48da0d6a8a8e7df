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
      context_{.cpu = cpu,
               .options = options,
               .decoder = {},
               .cache = cache_,
               .stubs = {},
               .decoded = {},
               .treatments = {},
               .groups = {}} {}

Library::~Library() = default;

bool Library::prepare(CalloutThunk thunk) {
  context_.bmi2 = asmjit::CpuInfo::host().features().x86().hasBMI2();
  const CpuState& s = cpu_.state;
  return reach(s, &cpu_.signals, context_.signals) &&
         reach(s, cpu_.mmu.window_address(), context_.window) &&
         reach(s, cpu_.mmu.generation_address(), context_.generation) &&
         reach(s, cpu_.mmu.view_address(), context_.view) &&
         reach(s, cpu_.mmu.windows_address(), context_.views) &&
         reach(s, cpu_.mmu.global_generation_address(), context_.global_generation) &&
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
  if (!block.valid) return nullptr;
  const PhysPage page = cpu_.mmu.memory().page(block.start);
  if (!page.host) return nullptr;
  if (cache_.full()) drop_all();
  drop_oldest(block);
  std::unique_ptr<NativeBlock> t = translate(block, rip, {page.host, kPageSize});
  if (!t) return nullptr;
  t->targets = &targets(block);
  t->next = first(block);
  block.native = t.get();
  NativeBlock* raw = t.get();
  if (perf_map_) perf_map_->add(t->code, t->code_bytes, fmt::format("guest_{:x}", rip));
  alive_.emplace(raw, std::move(t));
  return raw;
}

/// Code that runs at ever new addresses, as address space layout randomization makes it do, leaves
/// translations behind that never run again.
void Library::drop_oldest(Block& block) {
  unsigned count = 0;
  NativeBlock* before = nullptr;
  NativeBlock* oldest = nullptr;
  for (NativeBlock* t = first(block); t; t = t->next) {
    before = oldest;
    oldest = t;
    ++count;
  }
  if (count < kMaxPerBlock) return;
  if (before) before->next = nullptr;
  remove(*oldest);
}

std::unique_ptr<NativeBlock> Library::translate(Block& block, u64 rip, std::span<const u8> page) {
  std::span<const u8> bytes = page.subspan(block.start.offset());
  std::array<u8, 2 * ZYDIS_MAX_INSTRUCTION_LENGTH> joined;
  if (block.crosses) {
    const PhysPage second = cpu_.mmu.memory().page(block.second_page);
    if (!second.host) return nullptr;
    std::copy(bytes.begin(), bytes.end(), joined.begin());
    std::copy_n(second.host, ZYDIS_MAX_INSTRUCTION_LENGTH, joined.begin() + bytes.size());
    bytes = joined;
  }
  bytes = bytes.first(block.bytes);
  if (auto t = Translator(context_, block, rip, bytes, page).translate(true)) return t;
  return Translator(context_, block, rip, bytes, page).translate(false);
}

void Library::chain(ExitSite& site, NativeBlock& to, bool global) {
  // Only an exit that asks for the generation may rely on where a second page is mapped.
  if (to.block->crosses && !site.crosses_page) return;
  if (site.crosses_page && site.global != global) {
    cache_.patch(site.compared, global ? context_.global_generation : context_.generation);
    site.global = global;
  }
  site.generation = global ? cpu_.mmu.global_generation() : cpu_.mmu.generation();
  if (site.to == &to) return;
  if (site.to) unchain(site);
  const bool direct = to.flags_dead || !site.saved.at;
  cache_.patch(direct ? site.direct.at : site.saved.at, to.code);
  site.to = &to;
  to.incoming.push_back(&site);
}

void Library::unchain(ExitSite& site) {
  if (!site.to) return;
  std::erase(site.to->incoming, &site);
  site.to = nullptr;
  cache_.patch(site.direct.at, site.direct.home);
  if (site.saved.at) cache_.patch(site.saved.at, site.saved.home);
}

Targets& Library::targets(const Block& block) {
  auto& table = targets_[block.key];
  if (!table) {
    table = std::make_unique<Targets>();
    table->user = block.key & kUserCode;
  }
  return *table;
}

u64 Library::select(Targets& table) {
  const Mmu& mmu = cpu_.mmu;
  const u64 round = mmu.last_generation() / (Generations::kRound / 2);
  if (round != round_) [[unlikely]] {
    for (auto& [key, t] : targets_) t->entries.fill({});
    round_ = round;
  }
  if (!table.user && table.generation != mmu.generation()) {
    for (size_t n : table.own) table.entries[n] = {};
    table.own.clear();
    table.generation = mmu.generation();
  }
  return table.salt(mmu);
}

void Library::publish(const NativeBlock& t, bool global) {
  Targets& table = *t.targets;
  const u64 salt = select(table);
  const size_t n = t.rip & kTargetMask;
  if (!table.user && !global && table.entries[n].code != t.code) table.own.push_back(n);
  table.entries[n] = {t.rip ^ salt, t.code};
}

void Library::unchain(NativeBlock& t) {
  while (!t.incoming.empty()) unchain(*t.incoming.back());
  for (auto& site : t.exits) unchain(*site);
  Target& target = t.targets->entries[t.rip & kTargetMask];
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

std::span<const u8> Library::code_at(u64 rip, u32 key) const {
  for (const auto& [raw, t] : alive_)
    if (t->rip == rip && t->key == key) return {t->code, t->code_bytes};
  return {};
}

void Library::drop_all() {
  for (auto& [raw, t] : alive_) t->block->native = nullptr;
  for (auto& [key, table] : targets_) table->entries.fill({});
  alive_.clear();
  cache_.empty();
}

}  // namespace ring3::jit
