// SPDX-License-Identifier: MIT
#include "mmu/tlb.h"

#include <algorithm>

namespace ring3 {

void Tlb::resize(size_t entries) {
  slots_.assign(entries, {});
  write_pages_.assign(entries, kNoPage);
  wanted_ = entries;
  for (size_t i = 0; i < entries; ++i) clear(i);
  non_global_.clear();
  large_ = {};
  clean_ = true;
  fills_ = conflicts_ = fills_at_flush_ = quiet_flushes_ = 0;
}

void Tlb::clear(size_t slot) {
  const u64 tag = no_tag(slot);
  entries_[slot] = {tag, tag, tag, 0};
  slots_[slot].used = false;
  slots_[slot].code_page = kNoPage;
  write_pages_[slot] = kNoPage;
}

u64 Tlb::linear_of(size_t slot) const {
  const TlbEntry& e = entries_[slot];
  const u64 none = no_tag(slot);
  if (e.read_tag != none) return e.read_tag;
  return e.write_tag != none ? e.write_tag : e.execute_tag;
}

void Tlb::fill(const TlbFill& f) {
  const size_t i = slot_of(f.linear);
  Slot& slot = slots_[i];
  const u64 tag = f.linear & ~kPageMask, none = no_tag(i);
  note_fill(slot.used && linear_of(i) != tag);
  entries_[i] = {f.read ? tag : none, f.write ? tag : none, f.execute ? tag : none,
                 reinterpret_cast<u64>(f.host) - tag};
  slot.page_shift = f.page_shift;
  slot.used = true;
  slot.global = f.global;
  slot.code_page = f.beside_code;
  write_pages_[i] = f.write ? static_cast<u32>(f.physical >> kPageShift) : kNoPage;
  if (!f.global && !slot.listed) {
    slot.listed = true;
    non_global_.push_back(static_cast<u32>(i));
  }
  if (f.page_shift > kPageShift) large_[gib_bucket(f.linear)] = true;
  clean_ = false;
}

// More than half of many fills threw out another page: the table is too small.
void Tlb::note_fill(bool conflict) {
  ++fills_;
  conflicts_ += conflict;
  if (fills_ < 8 * size()) return;
  if (2 * conflicts_ > fills_) wanted_ = std::min(2 * size(), kMaxEntries);
  fills_ = conflicts_ = fills_at_flush_ = 0;
}

// Flushes clear the whole table, so a large one that is hardly filled in between costs too much.
void Tlb::note_flush() {
  const bool quiet = fills_ >= fills_at_flush_ && fills_ - fills_at_flush_ < size() / 8;
  quiet_flushes_ = quiet ? quiet_flushes_ + 1 : 0;
  fills_at_flush_ = fills_;
  if (quiet_flushes_ >= 64) wanted_ = std::max(size() / 2, kMinEntries);
}

void Tlb::flush() {
  if (clean_) return;
  note_flush();
  for (size_t i = 0; i < size(); ++i) {
    clear(i);
    slots_[i].listed = false;
  }
  non_global_.clear();
  large_ = {};
  clean_ = true;
}

void Tlb::flush_non_global() {
  for (u32 i : non_global_) {
    slots_[i].listed = false;
    if (!slots_[i].global) clear(i);
  }
  non_global_.clear();
}

void Tlb::drop(u64 linear, bool global_too) {
  const auto drop_slot = [&](size_t i) {
    const Slot& slot = slots_[i];
    if (!slot.used || (slot.global && !global_too)) return;
    if (((linear_of(i) ^ linear) >> slot.page_shift) == 0) clear(i);
  };
  drop_slot(slot_of(linear));
  if (!large_[gib_bucket(linear)]) return;
  for (size_t i = 0; i < size(); ++i)
    if (slots_[i].page_shift > kPageShift) drop_slot(i);
}

void Tlb::drop_writes(u64 physical, u64 count) {
  constexpr size_t kBlock = 64;
  const u32 first = static_cast<u32>(physical >> kPageShift), pages = static_cast<u32>(count);
  for (size_t i = 0; i < size(); i += kBlock) {
    u32 hits = 0;
    for (size_t k = 0; k < kBlock; ++k) hits |= write_pages_[i + k] - first < pages;
    if (!hits) [[likely]]
      continue;
    for (size_t k = i; k < i + kBlock; ++k) {
      if (write_pages_[k] - first >= pages) continue;
      entries_[k].write_tag = no_tag(k);
      write_pages_[k] = kNoPage;
    }
  }
}

size_t Tlb::used() const {
  size_t n = 0;
  for_each([&](u64, const TlbEntry&, bool) { ++n; });
  return n;
}

}  // namespace ring3
