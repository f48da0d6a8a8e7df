// SPDX-License-Identifier: MIT
// One direct-mapped TLB table, for one rights view.
//
// A tag is the page's linear address if that access may go straight to host memory, else a value
// that no address of this slot can match (another slot's page), so a probe is one XOR and one
// compare and a non-canonical address never hits. It holds one address space at a time: a CR3 load
// drops what is not global, which costs as much as was filled since the last one; what comes back
// is refilled from the revision-tagged shadow. Large pages stand as 4 KiB fragments.
//
// Its entries never move, and stand where 32-bit displacements reach: translated code may name
// them.
#pragma once

#include <array>
#include <vector>

#include "base/types.h"
#include "host/memory.h"

namespace ring3 {

struct TlbEntry {
  u64 read_tag = 0, write_tag = 0, execute_tag = 0;
  u64 delta = 0;  ///< host address - linear address
  u8* host(u64 linear) const { return reinterpret_cast<u8*>(linear + delta); }
};
static_assert(sizeof(TlbEntry) == 32);

/// What a probe needs, ready for translated code: entry = base + ((linear >> 7) & mask).
struct TlbWindow {
  static constexpr unsigned kShift = kPageShift - 5;
  const u8* base = nullptr;
  u64 mask = 0;  ///< in bytes
  const TlbEntry& entry(u64 linear) const {
    return *reinterpret_cast<const TlbEntry*>(base + ((linear >> kShift) & mask));
  }
};

/// What Tlb::fill() caches.
struct TlbFill {
  u64 linear = 0;      ///< of the 4 KiB page
  u64 physical = 0;    ///< likewise, A20 applied
  u8* host = nullptr;  ///< the page's first byte
  u8 page_shift = 12;  ///< of the guest's page
  bool global = false;
  bool read = false, write = false, execute = false;  ///< at least one
  u32 beside_code = ~u32{0};  ///< what PhysicalMemory::code_page() says of a page to be written
};

class Tlb {
 public:
  static constexpr size_t kMinEntries = 256, kEntries = 1024, kMaxEntries = 65536;

  Tlb() { resize(kEntries); }

  const TlbEntry& entry(u64 linear) const { return entries_[slot_of(linear)]; }
  /// Of a page that could be written directly if it were not for its code: TlbFill::beside_code,
  /// else kNoPage.
  u32 code_page(u64 linear) const {
    const size_t i = slot_of(linear);
    return linear_of(i) == (linear & ~kPageMask) ? slots_[i].code_page : kNoPage;
  }
  static constexpr u32 kNoPage = ~u32{0};
  TlbWindow window() const { return {memory_.data(), (size() - 1) * sizeof(TlbEntry)}; }
  size_t size() const { return slots_.size(); }

  void fill(const TlbFill& fill);
  /// Everything, or all but global pages.
  void flush();
  void flush_non_global();
  /// The page of `linear`, whatever its size in the guest's tables.
  void drop(u64 linear, bool global_too);
  /// Takes the write tags of `count` physical pages away.
  void drop_writes(u64 physical, u64 count = 1);

  /// True if conflicts ask for a larger table, or little use for a smaller one. Both lose all.
  bool wants_resize() const { return wanted_ != size(); }
  void adapt() { resize(wanted_); }

  /// f(linear page, entry, global) for each slot in use.
  template <class F>
  void for_each(F&& f) const {
    for (size_t i = 0; i < size(); ++i)
      if (slots_[i].used) f(linear_of(i), entries_[i], slots_[i].global);
  }
  size_t used() const;

 private:
  /// What the fast path does not need.
  struct Slot {
    u32 code_page = kNoPage;
    u8 page_shift = 0;
    bool used = false, global = false, listed = false;
  };

  size_t slot_of(u64 linear) const { return (linear >> kPageShift) & (size() - 1); }
  /// Differs from every address of the slot, and of the pages beside, in the slot's highest bit.
  u64 no_tag(size_t slot) const { return (slot ^ (size() / 2)) << kPageShift; }
  u64 linear_of(size_t slot) const;
  void clear(size_t slot);
  void resize(size_t entries);
  void note_fill(bool conflict);
  void note_flush();
  static size_t gib_bucket(u64 linear) { return (linear >> 30) & 255; }

  HostMemory memory_{kMaxEntries * sizeof(TlbEntry), "ring3-tlb", HostMemory::Kind::Low};
  TlbEntry* const entries_ = reinterpret_cast<TlbEntry*>(memory_.data());
  std::vector<Slot> slots_;
  std::vector<u32> write_pages_;  ///< physical page number of slots with a write tag: dense to scan
  std::vector<u32> non_global_;   ///< slots filled with a page that is not global, at least
  std::array<bool, 256> large_{};  ///< GiB (modulo 256) that hold fragments of large pages
  bool clean_ = true;
  size_t wanted_ = 0;
  u64 fills_ = 0, conflicts_ = 0, fills_at_flush_ = 0, quiet_flushes_ = 0;
};

}  // namespace ring3
