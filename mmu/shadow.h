// SPDX-License-Identifier: MIT
// The shadow page tables of one cpu: what guest page tables compose to, linear page -> guest
// physical page with the combined rights, one address space per PCID (one in all without
// CR4.PCIDE). The last step to host memory is PhysicalMemory::page(entry.physical_of(address)).
//
// A bounded, 4-way associative store in the guest's own page sizes. Each address space has a
// revision, global pages have one of their own; an entry counts only while its revision is the
// current one, so a CR3 load or a flush is a new number and leaves stale entries to be overwritten.
#pragma once

#include <array>
#include <vector>

#include "base/types.h"
#include "mmu/paging.h"

namespace ring3 {

struct ShadowEntry : PageRights {
  u64 linear = 0;    ///< of the guest page's first byte
  u64 physical = 0;  ///< likewise; A20 not applied
  u64 revision = 0;  ///< 0: never used
  u16 pcid = 0;
  u8 page_shift = 12;
  bool global = false, dirty = false;

  u64 physical_of(u64 address) const { return physical + (address - linear); }
  bool covers(u64 address) const { return ((address ^ linear) >> page_shift) == 0; }
};

class ShadowPageTables {
 public:
  static constexpr size_t kSets = 8192, kWays = 4, kPcids = 4096;

  ShadowPageTables();

  /// The address space that lookups see; it keeps what it had unless flushed.
  void select(u16 pcid);
  u16 selected() const { return pcid_; }

  /// The entry of the selected space, or a global one, that covers `linear`; null if none.
  const ShadowEntry* find(u64 linear) const;
  /// Enters a finished walk in place of whatever covered the address.
  const ShadowEntry& insert(u64 linear, const Walk& walk);

  void flush_all();             ///< every space and global pages
  void flush_all_non_global();  ///< every space
  void flush_space(u16 pcid);   ///< one space, not global pages
  void drop(u16 pcid, u64 linear, bool global_too);

  /// The number that marks a space's live entries; 0 if it has none.
  u64 revision(u16 pcid) const;
  u64 global_revision() const { return global_revision_; }
  bool live(const ShadowEntry& e) const {
    return e.revision != 0 &&
           (e.global ? e.revision == global_revision_ : e.revision == revision(e.pcid));
  }
  size_t size() const;  ///< live entries, counted
  static constexpr size_t capacity() { return kSets * kWays; }

  /// f(const ShadowEntry&) for each live entry of every space, in no useful order.
  template <class F>
  void for_each(F&& f) const {
    for (const ShadowEntry& e : entries_)
      if (live(e)) f(e);
  }

 private:
  static constexpr std::array<u8, 4> kShifts{12, 21, 22, 30};

  static size_t set_of(u64 linear, unsigned shift) {
    const u64 page = linear >> shift;
    return (page ^ (page >> 13) ^ shift * 0x155) & (kSets - 1);
  }
  template <class F>
  void for_each_way(u64 linear, F&& f);
  ShadowEntry& victim(size_t set);

  std::vector<ShadowEntry> entries_;
  std::vector<u64> revisions_;  ///< by PCID; valid if above floor_
  u64 counter_ = 1, floor_ = 1, global_revision_ = 1, current_ = 0;
  u16 pcid_ = 0;
  u8 present_shifts_ = 0;  ///< bit n: an entry of kShifts[n] may be live
  u8 next_way_ = 0;
};

}  // namespace ring3
