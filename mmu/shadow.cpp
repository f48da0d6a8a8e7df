// SPDX-License-Identifier: MIT
#include "mmu/shadow.h"

#include <algorithm>

namespace ring3 {

ShadowPageTables::ShadowPageTables() : entries_(kSets * kWays), revisions_(kPcids) { select(0); }

u64 ShadowPageTables::revision(u16 pcid) const {
  return revisions_[pcid] > floor_ ? revisions_[pcid] : 0;
}

void ShadowPageTables::select(u16 pcid) {
  pcid_ = pcid;
  if (revision(pcid) == 0) revisions_[pcid] = ++counter_;
  current_ = revisions_[pcid];
}

const ShadowEntry* ShadowPageTables::find(u64 linear) const {
  for (unsigned n = 0; n < kShifts.size(); ++n) {
    if (!(present_shifts_ >> n & 1)) continue;
    const ShadowEntry* e = &entries_[set_of(linear, kShifts[n]) * kWays];
    for (const ShadowEntry* end = e + kWays; e != end; ++e)
      if ((e->revision == current_ || e->revision == global_revision_) &&
          e->page_shift == kShifts[n] && e->covers(linear))
        return e;
  }
  return nullptr;
}

template <class F>
void ShadowPageTables::for_each_way(u64 linear, F&& f) {
  for (unsigned n = 0; n < kShifts.size(); ++n) {
    if (!(present_shifts_ >> n & 1)) continue;
    ShadowEntry* set = &entries_[set_of(linear, kShifts[n]) * kWays];
    for (ShadowEntry* e = set; e != set + kWays; ++e)
      if (e->page_shift == kShifts[n] && e->covers(linear)) f(*e);
  }
}

void ShadowPageTables::drop(u16 pcid, u64 linear, bool global_too) {
  for_each_way(linear, [&](ShadowEntry& e) {
    if (e.global ? global_too : e.pcid == pcid) e.revision = 0;
  });
}

ShadowEntry& ShadowPageTables::victim(size_t set) {
  ShadowEntry* ways = &entries_[set * kWays];
  ShadowEntry* dead = std::find_if_not(ways, ways + kWays, [&](auto& e) { return live(e); });
  return dead != ways + kWays ? *dead : ways[next_way_++ % kWays];
}

const ShadowEntry& ShadowPageTables::insert(u64 linear, const Walk& walk) {
  drop(pcid_, linear, true);
  const u64 in_page = low_mask(walk.page_shift);
  ShadowEntry& e = victim(set_of(linear, walk.page_shift));
  static_cast<PageRights&>(e) = walk;
  e.linear = linear & ~in_page;
  e.physical = walk.page_base;
  e.revision = walk.global ? global_revision_ : current_;
  e.pcid = pcid_;
  e.page_shift = walk.page_shift;
  e.global = walk.global;
  e.dirty = walk.dirty;
  const auto n = std::ranges::find(kShifts, walk.page_shift) - kShifts.begin();
  present_shifts_ |= static_cast<u8>(1 << n);
  return e;
}

void ShadowPageTables::flush_all() {
  global_revision_ = ++counter_;
  present_shifts_ = 0;
  flush_all_non_global();
}

void ShadowPageTables::flush_all_non_global() {
  floor_ = ++counter_;
  select(pcid_);
}

void ShadowPageTables::flush_space(u16 pcid) {
  revisions_[pcid] = 0;
  if (pcid == pcid_) select(pcid_);
}

size_t ShadowPageTables::size() const {
  return static_cast<size_t>(std::ranges::count_if(entries_, [&](auto& e) { return live(e); }));
}

}  // namespace ring3
