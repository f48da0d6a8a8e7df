// SPDX-License-Identifier: MIT
// The software MMU of one cpu: TLB -> shadow page table -> guest page walk.
//
// The TLB is direct-mapped, one table per rights view; a hit is `(address ^ tag) < page size`,
// which also catches page crossings when compared with `page size - width`. What may not be touched
// directly (MMIO, ROM writes, watched pages, pages without A or D set) has no matching tag, so the
// miss path sees it. See tlb.h for tags, shadow.h for the shadow page tables and revisions.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "base/types.h"
#include "mmu/code_places.h"
#include "mmu/generations.h"
#include "mmu/identity_ranges.h"
#include "mmu/paging.h"
#include "mmu/physical_memory.h"
#include "mmu/shadow.h"
#include "mmu/tlb.h"

namespace ring3 {

/// What an access that missed the TLB found out.
struct Translation {
  bool ok = false;
  u32 error = 0;        ///< page-fault error code if !ok
  PhysAddr address;     ///< gpa if ok
  PhysPage page;        ///< what stands there
  bool global = false;  ///< INVLPG and flushes of all pages are all that can change it
};

struct MmuCounters {
  u64 tlb_misses = 0, shadow_misses = 0, flushes = 0, invlpgs = 0, cr3_loads = 0;
};

class Mmu final : private MapListener {
 public:
  explicit Mmu(PhysicalMemory& memory);
  ~Mmu() override;
  Mmu(const Mmu&) = delete;
  Mmu& operator=(const Mmu&) = delete;

  PhysicalMemory& memory() { return memory_; }

  // The fast path: a host pointer if `address` .. `address + size - 1` lies in one page that may be
  // accessed directly in the current view, else null. No side effects, no faults.
  template <unsigned size>
  u8* probe_read(u64 address) const {
    const TlbEntry& e = active_.entry(address);
    return ((address ^ e.read_tag) <= kPageSize - size) ? e.host(address) : nullptr;
  }
  template <unsigned size>
  u8* probe_write(u64 address) const {
    const TlbEntry& e = active_.entry(address);
    return ((address ^ e.write_tag) <= kPageSize - size) ? e.host(address) : nullptr;
  }
  /// The same in any view and for any size.
  const u8* probe_read(u64 address, unsigned size, View view) const {
    const TlbEntry& e = windows_[static_cast<size_t>(view)].entry(address);
    return hits(address ^ e.read_tag, size) ? e.host(address) : nullptr;
  }
  u8* probe_write(u64 address, unsigned size, View view) const {
    const TlbEntry& e = windows_[static_cast<size_t>(view)].entry(address);
    return hits(address ^ e.write_tag, size) ? e.host(address) : nullptr;
  }
  /// For a write in the current view that probe_write() refused: where to write if the page is
  /// watched for its code alone and the bytes stand beside it, else null.
  u8* probe_beside_code(u64 address, unsigned size) const {
    const Tlb& table = tables_[view_];
    const u32 page = table.code_page(address);
    if (page == Tlb::kNoPage || bypass_ || counting_) return nullptr;
    const u64 offset = address & kPageMask;
    if (offset + size > kPageSize || !memory_.beside_code(page, offset, size)) return nullptr;
    return table.entry(address).host(address);
  }
  u8* probe_execute(u64 address) const {
    const TlbEntry& e = active_.entry(address);
    return ((address ^ e.execute_tag) < kPageSize) ? e.host(address) : nullptr;
  }

  /// The miss path, for one page: shadow, then walk (sets A and D), then fills the TLB.
  /// `address` must be canonical in 64-bit mode: the caller checks, since it raises #GP or #SS.
  Translation translate(LinearAddr address, Access access, View view);

  /// True if translate() would allow the access without a look at the guest's tables.
  bool knows(LinearAddr address, Access access, View view) const;

  /// What translate() would say of a fetch that needs no look at the guest's tables, but for
  /// Translation::page. Fills no TLB. Not ok: ask translate().
  Translation known_fetch(LinearAddr address, View view);

  /// A debugger's look: no A/D updates, no rights, no fill.
  Walk look(LinearAddr address) const;

  void set_view(View view) {
    view_ = static_cast<u8>(view);
    active_ = windows_[view_];
  }
  View view() const { return static_cast<View>(view_); }

  // Architectural events. The cpu has checked the values; these only keep the caches right.
  const PagingState& state() const { return state_; }
  void set_cr0(u64 cr0);
  void set_cr4(u64 cr4);
  void set_efer(u64 efer);
  void set_pkru(u32 pkru);
  /// mov cr3: `keep` is bit 63 of the source with CR4.PCIDE (do not flush that PCID).
  void load_cr3(u64 cr3, bool keep, const std::array<u64, 4>& pdpte);
  void set_physical_bits(unsigned bits) { state_.physical_bits = bits; }
  void set_gib_pages(bool on) { state_.gib_pages = on; }
  void invlpg(LinearAddr address);
  /// INVPCID types 0 to 3 (SDM 2A INVPCID).
  void invpcid(unsigned type, u16 pcid, LinearAddr address);
  void flush_all();  ///< everything, global pages too

  /// While on, nothing is filled, so each access takes the miss path: data breakpoints, AC checks.
  void set_bypass(bool on);

  /// These linear pages are not filled, so that each access to them takes the miss path.
  void arm(std::vector<u64> pages);
  bool armed() const { return !armed_.empty(); }

  /// Counts translations per physical page; while on, bypass is on too. Off by default; switching
  /// it on starts from zero.
  void count_accesses(bool on);
  u64 accesses(PhysAddr page) const;
  const std::unordered_map<u64, u64>& access_counts() const { return counts_; }  ///< by page number

  /// Users that cache translations of their own (block lookup) keep a fact with the generation of
  /// its address space, or with that of global pages if Translation::global said so. It is right
  /// while its number is one of the two that these return.
  u64 generation() const { return generations_.current(); }
  u64 global_generation() const { return generations_.global(); }
  /// Changes with each new number of either kind.
  u64 last_generation() const { return generations_.last(); }
  bool is_current(u64 generation) const {
    return generation == generations_.current() || generation == generations_.global();
  }

  /// Where translated code reads generations and the probe's window.
  const u64* generation_address() const { return generations_.current_address(); }
  /// set_view(v) is view = v, window = windows[v].
  const u8* view_address() const { return &view_; }
  const TlbWindow* windows_address() const { return windows_.data(); }
  const TlbWindow* window_address() const { return &active_; }

  /// What is known of user code in the space of `generation()`, which users select.
  CodePlaces& code_places() { return code_places_; }

  /// What supervisor code may access with no look at the TLB.
  IdentityRanges& ranges() { return ranges_; }

  const Tlb& tlb(View view) const { return tables_[static_cast<size_t>(view)]; }
  const ShadowPageTables& shadow() const { return shadow_; }
  const MmuCounters& counters() const { return counters_; }

 private:
  static bool hits(u64 difference, unsigned size) {
    return difference <= kPageMask && difference + size <= kPageSize;
  }
  void on_map_change() override { flush_all(); }
  void on_page_watched(PhysAddr page) override;
  void on_pages_watched(PhysAddr first, u64 count) override;

  void activate();
  void empty_tables();
  bool allows(const ShadowEntry& e, Access access, View view) const;
  bool is_global(const ShadowEntry& e) const { return e.global || !(state_.cr4 & paging::kCr4Pge); }
  Translation deliver(LinearAddr address, u64 physical, const ShadowEntry& e, u8 rights, View view);
  void fill(const TlbFill& entry, View view);
  void note_identity(LinearAddr address, u64 physical, const ShadowEntry& e);
  void drop(LinearAddr address, bool global_too);
  void flush_rights();  ///< what pages map to stays, who may use them changed
  void flush_tables_non_global();

  TlbWindow active_;                       ///< first: translated code reads it
  std::array<TlbWindow, kViews> windows_;  ///< what is active in each view
  PhysicalMemory& memory_;
  PagingState state_;
  u8 view_ = 0;
  bool bypass_ = false, counting_ = false;
  Generations generations_;
  CodePlaces code_places_;
  IdentityRanges ranges_{memory_};
  std::array<Tlb, kViews> tables_;
  ShadowPageTables shadow_;
  MmuCounters counters_;
  std::unordered_map<u64, u64> counts_;
  std::vector<u64> armed_;
};

}  // namespace ring3
