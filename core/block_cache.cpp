// SPDX-License-Identifier: MIT
#include "core/block_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "core/debug_stops.h"
#include "core/handlers.h"

namespace ring3 {
namespace {

bool branches_forward(const Insn& insn) {
  return is_jcc(insn.mnemonic) && static_cast<i64>(insn.imm) > 0;
}

constexpr u64 kMaxInsnBytes = ZYDIS_MAX_INSTRUCTION_LENGTH;

CodeSize code_size(const CpuState& s) {
  if (s.long64()) return CodeSize::Bits64;
  return s.seg[kCs].db ? CodeSize::Bits32 : CodeSize::Bits16;
}

/// In place of the rest of a block that overwrote itself: does nothing, and takes back what the
/// engine counts for it.
void overwritten(Cpu& cpu, const Insn& i) {
  step_back(cpu, i);
  --cpu.state.instructions;
}

/// How many of the block's instructions come before a breakpoint; at least one.
size_t insns_to_breakpoint(const DebugStops& stops, const Block& block) {
  u64 offset = block.start.offset() + block.insns.front().length;
  size_t n = 1;
  while (n < block.insns.size() && !stops.breaks_at_offset(offset))
    offset += block.insns[n++].length;
  return n;
}

void log_block(const Decoder& decoder, CodeSize size, const Block& block, const u8* bytes) {
  Decoded d;
  u64 at = 0;
  spdlog::info("IN: {:#x} ({})", block.linear, block.insns.size());
  while (at < block.bytes &&
         decoder.decode(size, {bytes + at, block.bytes - at}, d) == DecodeStatus::Ok) {
    spdlog::info("{:#018x}:  {}", block.linear + at, Decoder::format(d, block.linear + at));
    at += d.insn.length;
  }
}

}  // namespace

BlockCache::BlockCache(PhysicalMemory& memory)
    : memory_(memory), buckets_(size_t{1} << kBucketBits) {
  memory_.set_watcher(PhysicalMemory::kWatchCode, this);
  memory_.add_listener(*this);
}

BlockCache::~BlockCache() {
  memory_.remove_listener(*this);
  memory_.set_watcher(PhysicalMemory::kWatchCode, nullptr);
}

Block& BlockCache::find(Cpu& cpu) {
  Fault fault{};
  if (Block* block = find(cpu, fault)) return *block;
  raise(fault);
}

/// In the jump cache.
Block* BlockCache::known(const Cpu& cpu, u64 linear) const {
  const CpuState& s = cpu.state;
  const JumpEntry& e = jump_[jump_slot(linear)];
  // An entry was made where CS.limit did not cut the page: this CS may have another one.
  const u64 page_end = s.rip() + (~linear & kPageMask);
  const bool hit = e.linear == linear && e.key == s.mode_key && cpu.mmu.is_current(e.generation) &&
                   page_end <= s.code_limit && e.block->valid;
  return hit ? e.block : nullptr;
}

/// A new address space has the pages of old ones: the same physical code, found by what the MMU
/// knows already.
Block* BlockCache::known_elsewhere(Cpu& cpu, u64 linear) {
  const CpuState& s = cpu.state;
  if (map_changed_ || s.rip() + (~linear & kPageMask) > s.code_limit) return nullptr;
  const View view = s.cpl == 3 ? View::User : View::Supervisor;
  const Translation t = cpu.mmu.known_fetch({linear}, view);
  Block* const block = t.ok ? lookup(t.address, s.mode_key) : nullptr;
  if (!block || block->crosses) return nullptr;
  const u64 generation = t.global ? cpu.mmu.global_generation() : cpu.mmu.generation();
  jump_[jump_slot(linear)] = {linear, generation, s.mode_key, block};
  return block;
}

Block* BlockCache::find_decoded(Cpu& cpu) {
  const CpuState& s = cpu.state;
  const u64 linear = (s.seg[kCs].access_base + s.rip()) & s.linear_mask;
  if (Block* block = known(cpu, linear)) [[likely]]
    return block;
  return known_elsewhere(cpu, linear);
}

Block* BlockCache::find_mapped(Cpu& cpu) {
  if (Block* block = find_decoded(cpu)) [[likely]]
    return block;
  const CpuState& s = cpu.state;
  const u64 linear = (s.seg[kCs].access_base + s.rip()) & s.linear_mask;
  Fault fault{};
  return map_changed_ || page_faults(cpu, linear, fault) ? nullptr : known_elsewhere(cpu, linear);
}

Block* BlockCache::find(Cpu& cpu, Fault& fault) {
  if (Block* block = find_decoded(cpu)) [[likely]]
    return block;
  const CpuState& s = cpu.state;
  const u64 linear = (s.seg[kCs].access_base + s.rip()) & s.linear_mask;
  if (page_faults(cpu, linear, fault)) return nullptr;
  return &find_slow(cpu, linear, jump_[jump_slot(linear)]);
}

/// The page fault of a fetch that no other fault comes before.
bool BlockCache::page_faults(Cpu& cpu, u64 linear, Fault& fault) {
  const CpuState& s = cpu.state;
  const View view = s.cpl == 3 ? View::User : View::Supervisor;
  if (s.long64() ? !cpu.canonical(linear) : s.rip() > s.seg[kCs].limit) return false;
  if (cpu.mmu.knows({linear}, Access::Execute, view)) return false;
  const Translation t = cpu.mmu.translate({linear}, Access::Execute, view);
  if (!t.ok) fault = PF({linear}, t.error);
  return !t.ok;
}

bool BlockCache::found_global(const Cpu& cpu, const Block& block) const {
  const CpuState& s = cpu.state;
  const u64 linear = (s.seg[kCs].access_base + s.rip()) & s.linear_mask;
  const JumpEntry& e = jump_[jump_slot(linear)];
  return e.linear == linear && e.block == &block && e.generation == cpu.mmu.global_generation();
}

Block& BlockCache::find_single(Cpu& cpu) {
  Block& block = find(cpu);
  const Insn& first = block.insns.front();
  if (!first.flags_dead && !first.joined) return block;
  // The flags that the next instruction overwrites can be seen before it, and STI counts on the
  // next one: decoded alone.
  const CpuState& s = cpu.state;
  std::array<u8, kPageSize> copy;
  const u8* host = nullptr;
  const u64 linear = (s.seg[kCs].access_base + s.rip()) & s.linear_mask;
  const PhysAddr start = fetch_page(cpu, linear, host, copy);
  auto single = make_block(s, linear, start);
  const std::span<const u8> bytes{host + start.offset(), kPageSize - start.offset()};
  scan(decoder_, {code_size(s), s.mode_key}, bytes, bind, *single, 1);
  return keep_uncached(std::move(single));
}

Block* BlockCache::lookup(PhysAddr start, u32 key) {
  Block* b = buckets_[bucket_of(start, key)];
  while (b && !(b->start == start && b->key == key)) b = b->next_in_bucket;
  return b;
}

/// The page's bytes: directly, or when it is no RAM or ROM those of an instruction, copied.
PhysAddr BlockCache::fetch_page(Cpu& cpu, u64 linear, const u8*& host,
                                std::array<u8, kPageSize>& copy) {
  const View view = cpu.state.cpl == 3 ? View::User : View::Supervisor;
  if (cpu.state.long64()) require(cpu.canonical(linear), GP(0));
  const Translation t = cpu.mmu.translate({linear}, Access::Execute, view);
  require(t.ok, PF({linear}, t.error));
  fetched_global_ = t.global;
  host = t.page.host;
  if (!host) {
    // No more than one instruction: reading a device may change it.
    const u64 left = std::min<u64>(kMaxInsnBytes, kPageSize - t.address.offset());
    memory_.read(t.address, std::span(copy).subspan(t.address.offset(), left));
    host = copy.data();
  }
  return t.address;
}

Block& BlockCache::find_slow(Cpu& cpu, u64 linear, JumpEntry& entry) {
  if (map_changed_) drop_remapped();
  if (graveyard_.size() > kMaxDead) bury();
  const CpuState& s = cpu.state;
  u64 available = kPageSize - (linear & kPageMask);
  bool whole = true;  // CS.limit does not cut the page
  if (!s.long64()) {
    require(s.rip() <= s.seg[kCs].limit, GP(0));
    const u64 room = u64{s.seg[kCs].limit} - s.rip() + 1;
    whole = room >= available;
    available = std::min(available, room);
  }
  std::array<u8, kPageSize> copy;
  const u8* host = nullptr;
  const PhysAddr start = fetch_page(cpu, linear, host, copy);
  const bool global = fetched_global_;
  Block* block = whole ? lookup(start, s.mode_key) : nullptr;
  if (block && block->crosses) {
    // Valid only while the next linear page still is the same physical one.
    std::array<u8, kPageSize> next_copy;
    const u8* next = nullptr;
    const u64 next_linear = ((linear & ~kPageMask) + kPageSize) & s.linear_mask;
    const PhysAddr second = fetch_page(cpu, next_linear, next, next_copy);
    // The fetch itself may have written to the block: its A bits may stand among the code.
    if (block->valid && second != block->second_page) invalidate(*block);
    if (!block->valid) block = nullptr;
  }
  if (!block) block = &decode(cpu, linear, start, host, available);
  // A crossing block's second page, and what a limit cut short, is looked at each time.
  if (!block->crosses && block->valid && whole && block != uncached_.get())
    entry = {linear, global ? cpu.mmu.global_generation() : cpu.mmu.generation(), s.mode_key,
             block};
  return *block;
}

std::unique_ptr<Block> BlockCache::make_block(const CpuState& s, u64 linear, PhysAddr start) {
  auto block = std::make_unique<Block>();
  block->start = start;
  block->key = s.mode_key;
  block->linear = linear;
  block->insns = InsnList(&storage_);
  return block;
}

Block& BlockCache::decode(Cpu& cpu, u64 linear, PhysAddr start, const u8* host, u64 available) {
  auto block = make_block(cpu.state, linear, start);
  const BlockMode mode{code_size(cpu.state), cpu.state.mode_key};
  const u8* bytes = host + start.offset();
  const bool cut = available < kPageSize - start.offset();
  const PageKind kind = memory_.page(start).kind;
  const bool cached = !cut && kind != PageKind::Mmio && kind != PageKind::Hole;
  // Nobody sees writes to what is not cached, so it is fetched anew for each instruction.
  scan(decoder_, mode, {bytes, available}, bind, *block, cached ? kMaxBlockInsns : 1);
  if (block->insns.empty()) return decode_crossing(cpu, linear, start, host, available);
  if (cpu.stops) [[unlikely]] {
    const size_t before = insns_to_breakpoint(*cpu.stops, *block);
    if (before < block->insns.size()) {
      block->insns.clear();
      scan(decoder_, mode, {bytes, available}, bind, *block, before);
    }
    block->breakpoint = cpu.stops->breaks_at_offset(start.offset());
  }
  if (log_enabled(Log::InAsm)) log_block(decoder_, mode.code_size, *block, bytes);
  return cached ? keep(std::move(block)) : keep_uncached(std::move(block));
}

/// One instruction whose bytes go on in the next linear page.
Block& BlockCache::decode_crossing(Cpu& cpu, u64 linear, PhysAddr start, const u8* host,
                                   u64 available) {
  const CpuState& s = cpu.state;
  // The limit ends inside the instruction: #GP(0) for the fetch.
  require(available == kPageSize - start.offset(), GP(0));
  u64 more = kMaxInsnBytes;
  if (!s.long64()) more = std::min<u64>(more, u64{s.seg[kCs].limit} - s.rip() + 1 - available);
  require(more > 0, GP(0));
  std::array<u8, kPageSize> next_copy;
  const u8* next = nullptr;
  u8 bytes[2 * kMaxInsnBytes];
  const u64 next_linear = (linear + available) & s.linear_mask;
  // First: the walk may set A bits that stand among the bytes.
  const PhysAddr second = fetch_page(cpu, next_linear, next, next_copy);
  std::memcpy(bytes, host + start.offset(), available);
  std::memcpy(bytes + available, next, more);
  auto block = make_block(s, linear, start);
  Decoded d;
  const u64 total = std::min<u64>(available + more, kMaxInsnBytes);
  const DecodeStatus status = decoder_.decode(code_size(s), {bytes, total}, d);
  require(status != DecodeStatus::Truncated, GP(0));
  scan(decoder_, {code_size(s), s.mode_key},
       {bytes, status == DecodeStatus::Ok ? d.insn.length : total}, bind, *block);
  if (log_enabled(Log::InAsm)) log_block(decoder_, code_size(s), *block, bytes);
  block->breakpoint = cpu.stops && cpu.stops->breaks_at_offset(start.offset());
  const bool cached = memory_.page(start).kind == PageKind::Ram &&
                      memory_.page(second).kind == PageKind::Ram && status == DecodeStatus::Ok;
  if (!cached) return keep_uncached(std::move(block));
  block->crosses = true;
  block->second_page = second;
  return keep(std::move(block));
}

u64 BlockCache::lines_of(u64 offset, u64 bytes) {
  return PhysicalMemory::lines_of(offset, std::max<u64>(bytes, 1));
}

BlockCache::PageBlocks& BlockCache::page_of(PhysAddr address) {
  const auto [it, is_new] = pages_.try_emplace(address.page().value);
  if (is_new) it->second.ram = ram_at(address);
  return it->second;
}

/// Null: something else, or nothing.
const u8* BlockCache::ram_at(PhysAddr address) const {
  const PhysPage page = memory_.page(address);
  return page.kind == PageKind::Ram ? page.host : nullptr;
}

Block& BlockCache::keep(std::unique_ptr<Block> block) {
  if (insns_ > kMaxInsns) make_room();
  Block& b = *block;
  PageBlocks& page = page_of(b.start);
  page.lines |= lines_of(b.start.offset(), b.bytes);
  memory_.watch(b.start.page(), PhysicalMemory::kWatchCode);
  memory_.set_code_lines(b.start, page.lines);
  if (b.crosses) {
    PageBlocks& second = page_of(b.second_page);
    second.lines |= 1;
    second.tails.push_back(&b);
    memory_.watch(b.second_page.page(), PhysicalMemory::kWatchCode);
    memory_.set_code_lines(b.second_page, second.lines);
  }
  Block*& head = buckets_[bucket_of(b.start, b.key)];
  b.next_in_bucket = std::exchange(head, &b);
  insns_ += b.insns.size();
  ++count_;
  page.blocks.push_back(std::move(block));
  page.rewrites = 0;
  return b;
}

/// The block `offset` bytes from the block's start, in its page.
Block* BlockCache::follower(Cpu& cpu, const Block& block, u64 offset, bool decode_all) {
  const PhysAddr start{block.start.value + offset};
  if (start.page() != block.start.page()) return nullptr;
  if (Block* known = lookup(start, block.key)) return known;
  const PhysPage page = memory_.page(start);
  const u64 left = kPageSize - start.offset();
  if (!decode_all || page.kind != PageKind::Ram || left < kMaxInsnBytes) return nullptr;
  return &decode(cpu, block.linear + offset, start, page.host, left);
}

void BlockCache::extend(Cpu& cpu, Block& block, const Joins& joins, bool decode_all) {
  if (block.extended || block.crosses || block.breakpoint || &block == uncached_.get()) return;
  if (!branches_forward(block.insns.back())) return;
  std::array<Insn, kMaxBlockInsns> insns;
  const size_t before = block.insns.size();
  size_t count = before;
  u64 bytes = block.bytes;
  std::copy(block.insns.begin(), block.insns.end(), insns.begin());
  while (branches_forward(insns[count - 1])) {
    const Block* const next = follower(cpu, block, bytes, decode_all);
    if (!next || !next->valid || next->crosses || next->breakpoint || !joins(*next, bytes)) break;
    const size_t more = next->basic_end(0);
    if (count + more > insns.size()) break;
    std::copy_n(next->insns.begin(), more, insns.begin() + static_cast<ptrdiff_t>(count));
    for (size_t n = 0; n < more; ++n) bytes += next->insns[n].length;
    count += more;
  }
  if (count == before) return;
  std::ranges::copy(std::span(insns).first(count), block.insns.make(count).begin());
  block.bytes = static_cast<u16>(bytes);
  block.extended = true;
  block.record = nullptr;
  insns_ += count - before;
}

Block& BlockCache::keep_uncached(std::unique_ptr<Block> block) {
  if (current_ == uncached_.get()) current_ = nullptr;
  uncached_ = std::move(block);
  return *uncached_;
}

void BlockCache::unlink(Block& block) {
  Block** link = &buckets_[bucket_of(block.start, block.key)];
  while (*link != &block) link = &(*link)->next_in_bucket;
  *link = block.next_in_bucket;
  if (block.crosses) std::erase(pages_[block.second_page.page().value].tails, &block);
  PageBlocks& page = pages_[block.start.page().value];
  const auto it = std::find_if(page.blocks.rbegin(), page.blocks.rend(),
                               [&](const auto& b) { return b.get() == &block; });
  if (it == page.blocks.rend()) return;
  graveyard_.push_back(std::move(*it));
  page.blocks.erase(std::next(it).base());
}

void BlockCache::invalidate(Block& block) {
  ++invalidations_;
  block.valid = false;
  if (observer_) observer_->on_invalid(block);
  --count_;
  insns_ -= block.insns.size();
  if (&block == current_) stop(block);
  unlink(block);
}

void BlockCache::on_watched_write(PhysAddr address, u64 size) {
  const auto it = pages_.find(address.page().value);
  if (it == pages_.end()) return memory_.unwatch(address.page(), PhysicalMemory::kWatchCode);
  if (!(it->second.lines & lines_of(address.offset(), size))) return;
  const u64 begin = address.offset(), end = begin + size;
  std::vector<Block*> hit;
  for (const auto& b : it->second.blocks)
    if (b->start.offset() < end && b->start.offset() + b->bytes > begin) hit.push_back(b.get());
  for (Block* b : it->second.tails)
    if (b->bytes - (kPageSize - b->start.offset()) > begin) hit.push_back(b);
  // A block that crosses into its own page (mapped twice in a row) may stand in both lists.
  for (Block* b : hit) {
    if (!b->valid) continue;
    invalidate(*b);
    if (b->crosses) continue;
    const u64 start = b->start.offset();
    b->hit_from = static_cast<u16>(std::max(begin, start) - start);
    b->hit_to = static_cast<u16>(std::min(end, start + b->bytes) - start);
  }
  PageBlocks& page = it->second;
  // Writes that hit code again and again while none is decoded: the page gets other contents, and
  // finding its blocks one by one costs more than decoding those that survive.
  if (!hit.empty() && ++page.rewrites >= kMaxRewrites) {
    for (Block* b : hit) b->hit_from = 0, b->hit_to = 0xFFFF;
    while (!page.blocks.empty()) invalidate(*page.blocks.back());
  }
  page.lines = page.tails.empty() ? 0 : 1;
  for (const auto& b : page.blocks) page.lines |= lines_of(b->start.offset(), b->bytes);
  memory_.set_code_lines(address, page.lines);
  if (page.lines != 0) return;
  memory_.unwatch(address.page(), PhysicalMemory::kWatchCode);
  pages_.erase(it);
}

void BlockCache::clear() {
  for (auto& [page, blocks] : pages_) {
    memory_.unwatch({page}, PhysicalMemory::kWatchCode);
    for (auto& b : blocks.blocks) {
      b->valid = false;
      if (observer_) observer_->on_invalid(*b);
      graveyard_.push_back(std::move(b));
    }
  }
  pages_.clear();
  map_changed_ = false;
  std::fill(buckets_.begin(), buckets_.end(), nullptr);
  bury();
  count_ = insns_ = 0;
}

/// Most code runs but a few times: what the translator did not take goes first.
void BlockCache::make_room() {
  std::vector<Block*> cold;
  for_each([&cold](Block& b) {
    if (!b.native) cold.push_back(&b);
  });
  for (Block* b : cold) invalidate(*b);
  insns_ > kMaxInsns / 2 ? clear() : bury();
}

void BlockCache::bury() {
  jump_.fill({});
  current_ = nullptr;
  graveyard_.clear();
}

/// What was decoded may stand for other memory now. A block may be running, so the rest waits until
/// the next is looked for: the MMU's generations, which every change of the map renews, keep find()
/// from the jump cache until then.
void BlockCache::on_map_change() {
  map_changed_ = true;
  if (!current_ || !current_->valid) return;
  if (current_ == uncached_.get()) return stop(*current_);
  invalidate(*current_);
}

/// What was decoded of RAM that stands where it stood is as good as before: PCI software moves
/// windows while most of a kernel has run already.
void BlockCache::drop_remapped() {
  map_changed_ = false;
  std::vector<u64> gone;
  for (const auto& [page, blocks] : pages_)
    if (!blocks.ram || blocks.ram != ram_at({page})) gone.push_back(page);
  for (const u64 page : gone) {
    PageBlocks& blocks = pages_[page];
    while (!blocks.blocks.empty()) invalidate(*blocks.blocks.back());
    while (!blocks.tails.empty()) invalidate(*blocks.tails.back());
    memory_.unwatch({page}, PhysicalMemory::kWatchCode);
    pages_.erase(page);
  }
}

void BlockCache::stop(Block& block) {
  for (Insn& insn : block.insns) insn.handler = overwritten;
}

}  // namespace ring3
