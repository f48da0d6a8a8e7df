// SPDX-License-Identifier: MIT
#include "mmu/identity_ranges.h"

#include <algorithm>

namespace ring3 {
namespace {

/// How far a slot for writes begins below the access that asks for it: more would be cut off
/// sooner by pages that turn out to hold code.
constexpr u64 kBelow = u64{64} << 10;

}  // namespace

IdentityRanges::IdentityRanges(const PhysicalMemory& memory)
    : memory_(memory),
      delta_(reinterpret_cast<i64>(memory.ram_base())),
      possible_(delta_ >= 0 && static_cast<u64>(delta_) + memory.low_ram_end() < kEnd) {}

void IdentityRanges::note(u64 linear, unsigned page_shift, bool write, bool global) {
  const u64 chunk = chunk_of(linear);
  if (!possible_ || linear >= kEnd || !memory_.is_plain_ram({chunk}, kChunk)) return;
  u8& flags = chunks_[chunk >> kChunkShift];
  const u8 now = static_cast<u8>(kRead | (write ? kWrite : 0) | (global ? kGlobal : 0) |
                                 (page_shift > kChunkShift ? kGib : 0));
  if (flags == now) return;
  if (flags & ~now) forget(chunk);
  noted_ += flags == 0;
  gib_pages_ |= (now & kGib) != 0;
  flags = now;
  for (u32 n = 0; n < kSlots; ++n) {
    const Slot& s = slots_[n];
    if (!s.used || !has(chunk, s.needs)) continue;
    if (chunk_of(s.start) == chunk)
      set_end(n, run_end(s.start, s.needs));
    else if (s.end == chunk && s.end != s.start)
      set_end(n, run_end(chunk, s.needs));
  }
}

void IdentityRanges::forget(u64 chunk) {
  u8& flags = chunks_[chunk >> kChunkShift];
  noted_ -= flags != 0;
  flags = 0;
  cut(chunk, chunk + kChunk, 0);
}

/// Slots that need so much lose what they have there and above.
void IdentityRanges::cut(u64 from, u64 to, u8 needs) {
  for (u32 n = 0; n < kSlots; ++n) {
    const Slot& s = slots_[n];
    if ((s.needs & needs) == needs && s.start < to && s.end > from)
      set_end(n, std::max(s.start, from));
  }
}

void IdentityRanges::set_end(u32 slot, u64 end) {
  Slot& s = slots_[slot];
  s.end = end;
  rooms_[slot] = end - s.start >= kMaxAccess ? end - s.start - kMaxAccess + 1 : 0;
}

void IdentityRanges::drop(u64 linear, bool global_too) {
  if (!any() || linear >= kEnd) return;
  const auto drop_chunk = [&](u64 chunk) {
    if (global_too || !has(chunk, kGlobal)) forget(chunk);
  };
  if (has(linear, kRead)) drop_chunk(chunk_of(linear));
  const u64 gib = linear >> 30 << 30;
  if (!gib_pages_) return;
  for (u64 at = gib; at < gib + bit(30); at += kChunk)
    if (has(at, kGib)) drop_chunk(at);
}

void IdentityRanges::drop_non_global() {
  if (!any()) return;
  for (u64 at = 0; at < kEnd; at += kChunk)
    if (has(at, kRead) && !has(at, kGlobal)) forget(at);
}

void IdentityRanges::clear() {
  if (!any()) return;
  chunks_ = {};
  noted_ = 0;
  gib_pages_ = false;
  cut(0, kEnd, 0);
}

void IdentityRanges::on_watched(u64 first, u64 pages) {
  if (any()) cut(first, first + pages * kPageSize, kWrite);
}

u64 IdentityRanges::run_start(u64 linear, u8 needs) const {
  u64 at = chunk_of(linear);
  while (at != 0 && has(at - kChunk, needs)) at -= kChunk;
  if (!(needs & kWrite)) return at;
  at = std::max(at, linear >= kBelow ? (linear - kBelow) & ~kPageMask : 0);
  const u64 page = linear & ~kPageMask;
  for (u64 watched = at; watched < page;) {
    watched = memory_.first_watched({watched}, page);
    if (watched < page) at = watched += kPageSize;
  }
  return at;
}

u64 IdentityRanges::run_end(u64 linear, u8 needs) const {
  u64 at = linear;
  while (has(at, needs)) {
    const u64 next = chunk_of(at) + kChunk;
    const u64 end = needs & kWrite ? memory_.first_watched({at}, next) : next;
    if (end != next) return end;
    at = next;
  }
  return at;
}

std::optional<u32> IdentityRanges::slot_for(u64 linear, bool write) {
  const u8 needs = write ? kRead | kWrite : kRead;
  if (!has(linear, needs)) return std::nullopt;
  for (u32 n = 0; n < kSlots; ++n)
    if (slots_[n].used && slots_[n].needs == needs && linear - slots_[n].start < rooms_[n])
      return n;
  const u64 start = run_start(linear, needs), end = run_end(start, needs);
  if (end < linear + kMaxAccess) return std::nullopt;
  const auto free = std::ranges::find(slots_, false, &Slot::used);
  if (free == slots_.end()) {
    short_ = true;
    return std::nullopt;
  }
  *free = {start, start, true, needs};
  const u32 n = static_cast<u32>(free - slots_.begin());
  set_end(n, end);
  return n;
}

u32 IdentityRanges::unused() const {
  u32 bits = 0;
  for (u32 n = 0; short_ && n < kSlots; ++n)
    if (rooms_[n] == 0) bits |= 1u << n;
  return bits;
}

void IdentityRanges::release(u32 slots) {
  for (u32 n = 0; n < kSlots; ++n)
    if (slots >> n & 1) slots_[n] = {};
  short_ = false;
}

}  // namespace ring3
