// SPDX-License-Identifier: MIT
#include "jit/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "base/print.h"

namespace ring3::jit {
namespace {

constexpr unsigned kMaxPerBlock = 8;  ///< translations of one block at different rips

/// The byte offset of a field from CpuState. False: too far for a displacement.
bool reach(const CpuState& state, const void* field, i32& offset) {
  const i64 distance = reinterpret_cast<i64>(field) - reinterpret_cast<i64>(&state);
  offset = static_cast<i32>(distance);
  return std::abs(distance) < std::numeric_limits<i32>::max() - 4096;
}

/// The entry, number `n`, belongs to the space of that salt.
bool shares_salt(const Target& entry, size_t n, u64 salt) {
  const u64 rip = entry.tag ^ salt;
  return (rip & kTargetMask) == n && static_cast<u64>(static_cast<i64>(rip << 16) >> 16) == rip;
}

NativeBlock* first(const Block& block) { return static_cast<NativeBlock*>(block.native); }

}  // namespace

Library::Library(Cpu& cpu, const JitOptions& options, std::unique_ptr<CodeMemory> memory)
    : cpu_(cpu),
      cache_(std::move(memory)),
      context_(cpu, options, cache_),
      counters_(options.profile ? options.profile->translator : own_counters_) {}

Library::~Library() = default;

bool Library::prepare(const Thunks& thunks) {
  context_.bmi2 = asmjit::CpuInfo::host().features().x86().hasBMI2();
  for (size_t v = 0; v < kViews; ++v) {
    const u64 table = reinterpret_cast<u64>(cpu_.mmu.tlb(static_cast<View>(v)).window().base);
    if (table < (u64{1} << 31) - sizeof(TlbEntry)) context_.tables[v] = static_cast<i32>(table);
  }
  const CpuState& s = cpu_.state;
  return reach(s, &cpu_.signals, context_.signals) &&
         reach(s, cpu_.mmu.window_address(), context_.window) &&
         reach(s, cpu_.mmu.generation_address(), context_.generation) &&
         reach(s, cpu_.mmu.code_places().numbers(), context_.places) &&
         reach(s, cpu_.mmu.view_address(), context_.view) &&
         reach(s, cpu_.mmu.windows_address(), context_.views) &&
         reach(s, cpu_.mmu.ranges().rooms(), context_.ranges) &&
         make_stubs(cache_, thunks, context_.window, context_.stubs);
}

void Library::set_perf_map(std::unique_ptr<PerfMap> map) {
  perf_map_ = std::move(map);
  if (perf_map_)
    perf_map_->add(cache_.at(0), static_cast<size_t>(cache_.next() - cache_.at(0)), "ring3_stubs");
}

NativeBlock* Library::find(const Block& block, u64 rip) const {
  NativeBlock* t = first(block);
  while (t && t->rip != rip) t = t->next;
  return t;
}

NativeBlock* Library::add(Block& block, u64 rip) {
  if (!block.valid || block.breakpoint) return nullptr;
  const PhysPage page = cpu_.mmu.memory().page(block.start);
  if (!page.host) return nullptr;
  if (cache_.full()) {
    evict(cache_.oldest());
    cache_.advance();
  }
  drop_oldest(block);
  if (const u32 unused = cpu_.mmu.ranges().unused()) release_ranges(unused);
  NativeBlock* const t = translate(block, rip, {page.host, kPageSize});
  if (!t) block.executions = 0;  // not each time again
  if (!t) return nullptr;
  t->targets = &*targets(block.key);
  t->next = first(block);
  block.native = t;
  t->next_in_region = std::exchange(cache_.region().blocks, t);
  ++counters_.translated;
  count_memory();
  if (perf_map_) perf_map_->add(t->code, t->code_bytes, fmt::format("guest_{:x}", rip));
  return t;
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
  before->next = nullptr;
  remove(*oldest);
}

NativeBlock* Library::translate(Block& block, u64 rip, std::span<const u8> page) {
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
  context_.other_level = nullptr;
  if (const std::optional<u8> level = other_level(block)) {
    const TargetTable& table = targets(key_at_level(block.key, *level));
    context_.other_level = &*table;
    context_.other_targets = table.displacement();
  }
  if (block.key & kUserCode) {
    CodePlaces& places = cpu_.mmu.code_places();
    context_.place = block.crosses
                         ? places.next()
                         : places.of_page(rip >> kPageShift, block.start.value >> kPageShift);
  }
  context_.targets = targets(block.key).displacement();
  Arena& records = cache_.region().records;
  const Arena::Mark mark = records.mark();
  for (const Way way : {Way::Lazy, Way::Careful, Way::Handlers}) {
    context_.reset();
    if (NativeBlock* t = Translator(context_, block, rip, bytes, page).translate(way)) return t;
    records.rewind(mark);
    if (context_.errors.failed && first_times(failed_, 1))
      print_to(stderr, "ring3: jit: cannot assemble the block at {:#x}: {}\n", rip,
               context_.errors.text);
  }
  return nullptr;
}

/// The jump goes to `to` from now on; null: home.
void Library::patch(const NativeBlock& from, Jump jump, const u8* to) {
  cache_.patch(from.code + jump.at, to ? to : from.code + jump.home);
}

void Library::chain(ExitSite& site, NativeBlock& to, bool global) {
  // Only an exit that asks for the generation may rely on where a second page is mapped.
  if (to.block->crosses && !site.crosses_page) return;
  const bool same_page = (site.target ^ site.from->rip) >> kPageShift == 0;
  const bool user = to.user();
  const bool open = site.crosses_page && ((global && !user) || (same_page && !to.block->crosses));
  if (site.to && (site.to != &to || site.open != open)) unchain(site);
  if (user) note_place(to);
  if (site.crosses_page && !open && !user) crossings_.check(site, cpu_.mmu.generation());
  if (site.to) return;
  if (open) {
    crossings_.open(site, to.body());
  } else {
    if (site.crosses_page && user) crossings_.check(site, to.place);
    const bool direct = to.flags_dead || !site.saved.at;
    patch(*site.from, direct ? site.direct : site.saved, to.body());
  }
  link(site, to);
}

void Library::link(ExitSite& site, NativeBlock& to) {
  site.to = &to;
  site.next_incoming = to.incoming;
  if (to.incoming) to.incoming->previous_incoming = &site;
  to.incoming = &site;
  ++counters_.chained;
}

void Library::unchain(ExitSite& site) {
  if (!site.to) return;
  ExitSite*& link =
      site.previous_incoming ? site.previous_incoming->next_incoming : site.to->incoming;
  link = site.next_incoming;
  if (site.next_incoming) site.next_incoming->previous_incoming = site.previous_incoming;
  site.next_incoming = site.previous_incoming = nullptr;
  site.to = nullptr;
  if (site.open) return crossings_.close(site);
  patch(*site.from, site.direct, nullptr);
  if (site.saved.at) patch(*site.from, site.saved, nullptr);
}

i32 TargetTable::displacement() const {
  const u64 at = reinterpret_cast<u64>(targets_);
  return at < (u64{1} << 31) - sizeof(Targets) ? static_cast<i32>(at) : 0;
}

TargetTable& Library::targets(u32 key) {
  auto& table = targets_[key];
  if (!table) {
    table = std::make_unique<TargetTable>(stubs().return_to_zero);
    (*table)->user = key & kUserCode;
  }
  return *table;
}

/// Numbers of another round may be those of this one in the bits that are compared.
void Library::start_round() {
  for (auto& [key, t] : targets_) (*t)->clear();
  for (CodeCache::Region& region : cache_.regions())
    for (NativeBlock* t = region.blocks; t; t = t->next_in_region)
      for (ExitSite* site = t->exits; site; site = site->next_of_block)
        if (site->crosses_page && !site->open) unchain(*site);
}

/// Something was mapped anew, or another space was selected.
void Library::note_generation() {
  const Mmu& mmu = cpu_.mmu;
  last_generation_ = mmu.last_generation();
  const u64 round = last_generation_ / (Generations::kRound / 2);
  if (std::exchange(round_, round) != round) [[unlikely]]
    start_round();
  if (std::exchange(global_generation_, mmu.global_generation()) == global_generation_) return;
  while (ExitSite* site = crossings_.any_open()) unchain(*site);
}

/// Code places are of one space: that of the table that is selected next.
void Library::unselect_user() {
  for (auto& [key, table] : targets_)
    if ((*table)->user) (*table)->generation = 0;
}

u64 Library::select(Targets& table) {
  const Mmu& mmu = cpu_.mmu;
  if (mmu.last_generation() != last_generation_) note_generation();
  if (table.user) cpu_.mmu.code_places().select(mmu.generation());
  if (table.generation != mmu.generation()) {
    for (size_t n : table.own) table.entries[n] = Targets::empty(n);
    table.own.clear();
    table.forget_returns();
    if (table.user) unselect_user();
    table.generation = mmu.generation();
    table.salt = table.user ? 0 : salt_of(mmu.global_generation());
  }
  return table.salt;
}

/// It was found there just now.
void Library::note_place(const NativeBlock& t) {
  CodePlaces& places = cpu_.mmu.code_places();
  places.select(cpu_.mmu.generation());
  places.note(t.place);
}

/// The newest first: what is in its place may be of programs that ended.
void Library::publish_user(const NativeBlock& t) {
  Target& first = t.targets->entries[t.rip & kTargetMask];
  if (first.code && first.tag != t.rip) t.targets->second[Targets::second_slot(first.tag)] = first;
  first = {t.rip, t.code};
}

void Library::publish(NativeBlock& t, bool global) {
  if (t.user()) {
    note_place(t);
    return publish_user(t);
  }
  Targets& table = *t.targets;
  const u64 salt = select(table);
  const size_t n = t.rip & kTargetMask;
  const bool own = !global;
  const u64 tag = t.rip ^ salt;
  Target& first = table.entries[n];
  if (!own && first.code && first.code != t.code && shares_salt(first, n, salt)) {
    take_second(t);
    t.second = static_cast<u16>(Targets::second_slot(tag));
    table.second[t.second] = {tag, t.code};
    return;
  }
  if (own && (first.code != t.code || first.tag != tag)) table.own.push_back(n);
  first = {tag, t.code};
}

void Library::take_second(const NativeBlock& t) {
  const size_t n = t.user() ? Targets::second_slot(t.rip) : t.second;
  Target& other = t.targets->second[n];
  if (other.code == t.code) other = Targets::empty_second(n);
}

/// Indirect branches do not find it any more.
void Library::take_out(const NativeBlock& t) {
  const size_t n = t.rip & kTargetMask;
  Target& first = t.targets->entries[n];
  if (first.code == t.code) first = Targets::empty(n);
  take_second(t);
}

void Library::unchain(NativeBlock& t) {
  while (t.incoming) unchain(*t.incoming);
  for (ExitSite* site = t.exits; site; site = site->next_of_block) unchain(*site);
  take_out(t);
}

/// Its memory stays until its region is emptied: it may be running.
void Library::remove(NativeBlock& t) {
  unchain(t);
  t.dead = true;
  ++counters_.dropped;
}

void Library::on_invalid(Block& block) {
  for (NativeBlock* t = first(block); t; t = t->next) remove(*t);
  block.native = nullptr;
}

/// Its block has it no more.
void Library::take_from_block(NativeBlock& t) {
  NativeBlock* before = first(*t.block);
  if (before == &t) {
    t.block->native = t.next;
  } else {
    while (before->next != &t) before = before->next;
    before->next = t.next;
  }
  remove(t);
}

/// Slots of IdentityRanges become free for other places.
void Library::release_ranges(u32 slots) {
  for (CodeCache::Region& region : cache_.regions())
    for (NativeBlock* t = region.blocks; t; t = t->next_in_region)
      if (!t->dead && (t->ranges & slots)) take_from_block(*t);
  cpu_.mmu.ranges().release(slots);
}

void Library::evict(CodeCache::Region& region) {
  for (NativeBlock* t = region.blocks; t; t = t->next_in_region) {
    if (t->dead) continue;
    take_from_block(*t);
    ++counters_.evicted;
  }
  for (auto& [key, table] : targets_) (*table)->forget_returns();
  counters_.evictions += region.blocks != nullptr;
  CodeCache::empty(region);
}

std::span<const u8> Library::code_at(u64 rip, u32 key) const {
  for (const CodeCache::Region& region : cache_.regions())
    for (const NativeBlock* t = region.blocks; t; t = t->next_in_region)
      if (!t->dead && t->rip == rip && t->key == key) return {t->code, t->code_bytes};
  return {};
}

void Library::drop_all() {
  for (CodeCache::Region& region : cache_.regions())
    for (NativeBlock* t = region.blocks; t; t = t->next_in_region)
      if (!t->dead) t->block->native = nullptr;
  for (auto& [key, table] : targets_) (*table)->clear();
  crossings_.forget();
  cache_.empty_all();
}

void Library::count_memory() {
  counters_.code_bytes = cache_.used();
  counters_.code_memory = cache_.touched();
  counters_.record_bytes = cache_.record_bytes();
}

}  // namespace ring3::jit
