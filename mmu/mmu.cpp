// SPDX-License-Identifier: MIT
// The miss path and the architectural invalidations (SDM 3A "Invalidation of TLBs and
// Paging-Structure Caches").
#include "mmu/mmu.h"

#include <algorithm>

#include "base/log.h"

namespace ring3 {
namespace {

using namespace paging;

constexpr u64 kFlushingCr4 =
    kCr4Pse | kCr4Pae | kCr4Pge | kCr4Pcide | kCr4Smep | kCr4Smap | kCr4Pke;

}  // namespace

Mmu::Mmu(PhysicalMemory& memory) : memory_(memory) {
  memory_.add_listener(*this);
  activate();
}

Mmu::~Mmu() { memory_.remove_listener(*this); }

/// To be called when what a probe looks at moves.
void Mmu::activate() {
  for (size_t v = 0; v < kViews; ++v) windows_[v] = tables_[v].window();
  active_ = windows_[view_];
}

/// Nothing is filled from now on, so that probes find nothing: translated code knows where tables
/// stand.
void Mmu::empty_tables() {
  for (Tlb& table : tables_) table.flush();
  ranges_.clear();
}

bool Mmu::allows(const ShadowEntry& e, Access access, View view) const {
  if (access == Access::Write && !e.dirty) return false;
  return rights_in(state_, e, view) & right_bit(access);
}

bool Mmu::knows(LinearAddr address, Access access, View view) const {
  if (state_.mode() == PagingMode::Off) return true;
  const ShadowEntry* e = shadow_.find(address.value);
  return e && allows(*e, access, view);
}

Translation Mmu::translate(LinearAddr address, Access access, View view) {
  ++counters_.tlb_misses;
  if (state_.mode() == PagingMode::Off) {
    ShadowEntry identity;
    identity.dirty = true;
    return deliver(address, address.value & low_mask(32), identity, 7, view);
  }
  const ShadowEntry* e = shadow_.find(address.value);
  // A denial may be stale, and a first write must set D: both ask the guest's tables again.
  if (!e || !allows(*e, access, view)) {
    ++counters_.shadow_misses;
    const Walk w = walk(memory_, state_, address, access, view, true);
    if (!w.ok) {
      RING3_LOG(Mmu, "page fault at {:#x}, error code {:#x}", address.value, w.error);
      return {.ok = false, .error = w.error, .address = {}, .page = {}};
    }
    e = &shadow_.insert(address.value, w);
  }
  if (access == Access::Execute)
    generations_.note_fetch(address.value, e->page_shift, is_global(*e));
  return deliver(address, e->physical_of(address.value), *e, rights_in(state_, *e, view), view);
}

Translation Mmu::known_fetch(LinearAddr address, View view) {
  if (state_.mode() == PagingMode::Off || counting_) return {};
  const ShadowEntry* e = shadow_.find(address.value);
  if (!e || !allows(*e, Access::Execute, view)) return {};
  generations_.note_fetch(address.value, e->page_shift, is_global(*e));
  Translation t;
  t.ok = true;
  t.address = memory_.a20_masked({e->physical_of(address.value)});
  t.global = is_global(*e);
  return t;
}

Translation Mmu::deliver(LinearAddr address, u64 physical, const ShadowEntry& e, u8 rights,
                         View view) {
  const PhysAddr gpa = memory_.a20_masked({physical});
  Translation t{
      .ok = true, .error = 0, .address = gpa, .page = memory_.page(gpa), .global = is_global(e)};
  if (bypass_ || counting_) [[unlikely]] {
    if (counting_) ++counts_[gpa.value >> kPageShift];
    return t;
  }
  if (address.value < IdentityRanges::kEnd) note_identity(address, physical, e);
  if (!t.page.host || std::ranges::find(armed_, address.page().value) != armed_.end()) return t;
  const bool ram = t.page.kind == PageKind::Ram;
  const bool direct_write = (rights & right_bit(Access::Write)) && e.dirty && ram;
  fill({.linear = address.page().value,
        .physical = gpa.page().value,
        .host = t.page.host,
        .page_shift = e.page_shift,
        .global = e.global,
        .read = (rights & right_bit(Access::Read)) != 0,
        .write = direct_write && !memory_.watched(t.page),
        .execute = (rights & right_bit(Access::Execute)) != 0,
        .beside_code = direct_write ? memory_.code_page(t.page) : Tlb::kNoPage},
       view);
  return t;
}

/// The newest translation counts, whatever view it is for.
void Mmu::note_identity(LinearAddr address, u64 physical, const ShadowEntry& e) {
  const u8 rights = rights_in(state_, e, View::Supervisor);
  if (e.page_shift < IdentityRanges::kChunkShift || physical != address.value ||
      state_.mode() != PagingMode::Level4 || !(rights & right_bit(Access::Read)) || armed())
    return ranges_.drop(address.value, true);
  ranges_.note(address.value, e.page_shift, (rights & right_bit(Access::Write)) && e.dirty,
               e.global);
}

void Mmu::fill(const TlbFill& entry, View view) {
  Tlb& table = tables_[static_cast<size_t>(view)];
  if (!entry.read && !entry.write && !entry.execute) return;
  if (table.wants_resize()) [[unlikely]] {
    table.adapt();
    activate();
  }
  table.fill(entry);
}

Walk Mmu::look(LinearAddr address) const { return look_up(memory_, state_, address); }

void Mmu::on_page_watched(PhysAddr page) { on_pages_watched(page, 1); }

void Mmu::on_pages_watched(PhysAddr first, u64 count) {
  for (Tlb& table : tables_) table.drop_writes(first.value, count);
  ranges_.on_watched(first.value, count);
}

void Mmu::flush_rights() {
  ++counters_.flushes;
  empty_tables();
}

void Mmu::flush_all() {
  RING3_LOG(Mmu, "flush of all translations");
  flush_rights();
  shadow_.select(state_.pcid());
  shadow_.flush_all();
  generations_.select(state_.pcid());
  generations_.renew_all();
}

void Mmu::flush_tables_non_global() {
  for (Tlb& table : tables_) table.flush_non_global();
  ranges_.drop_non_global();
}

void Mmu::set_cr0(u64 cr0) {
  const u64 changed = state_.cr0 ^ cr0;
  state_.cr0 = cr0;
  if (changed & kCr0Pg)
    flush_all();
  else if (changed & kCr0Wp)
    flush_rights();
}

void Mmu::set_cr4(u64 cr4) {
  const u64 changed = state_.cr4 ^ cr4;
  state_.cr4 = cr4;
  if (changed & kFlushingCr4) flush_all();
}

void Mmu::set_efer(u64 efer) {
  const u64 changed = state_.efer ^ efer;
  state_.efer = efer;
  if (changed & (kEferLma | kEferNxe)) flush_all();
}

void Mmu::set_pkru(u32 pkru) {
  if (pkru == state_.pkru) return;
  state_.pkru = pkru;
  if (state_.protection_keys()) flush_rights();
}

void Mmu::load_cr3(u64 cr3, bool keep, const std::array<u64, 4>& pdpte) {
  ++counters_.cr3_loads;
  const u16 before = state_.pcid();
  state_.cr3 = cr3 & ~bit(63);
  state_.pdpte = pdpte;
  const u16 pcid = state_.pcid();
  keep &= (state_.cr4 & kCr4Pcide) != 0;
  if (!keep) shadow_.flush_space(pcid);
  shadow_.select(pcid);
  generations_.select(pcid);
  if (!(state_.cr4 & kCr4Pge)) {
    generations_.renew_all();
  } else if (!keep) {
    generations_.renew_space(pcid);
  }
  if (!keep || pcid != before) flush_tables_non_global();
}

void Mmu::drop(LinearAddr address, bool global_too) {
  for (Tlb& table : tables_) table.drop(address.value, global_too);
  ranges_.drop(address.value, global_too);
}

void Mmu::invlpg(LinearAddr address) {
  ++counters_.invlpgs;
  generations_.invalidate(address.value);
  drop(address, true);
  shadow_.drop(state_.pcid(), address.value, true);
}

// SDM 2A INVPCID: 0 one address, 1 one PCID, 2 all and global pages, 3 all but global pages.
void Mmu::invpcid(unsigned type, u16 pcid, LinearAddr address) {
  pcid &= ShadowPageTables::kPcids - 1;
  const bool current = pcid == state_.pcid();
  switch (type) {
    case 0:
      generations_.invalidate_in(pcid, address.value);
      if (current) drop(address, false);
      return shadow_.drop(pcid, address.value, false);
    case 1:
      generations_.renew_space(pcid);
      if (current) flush_tables_non_global();
      return shadow_.flush_space(pcid);
    case 2:
      return flush_all();
    case 3:
      generations_.renew_spaces();
      flush_tables_non_global();
      return shadow_.flush_all_non_global();
    default:
      return;  // the cpu raised #GP
  }
}

void Mmu::set_bypass(bool on) {
  if (bypass_ == on) return;
  bypass_ = on;
  if (on) empty_tables();
}

void Mmu::arm(std::vector<u64> pages) {
  if (pages == armed_) return;
  armed_ = std::move(pages);
  flush_rights();
}

void Mmu::count_accesses(bool on) {
  if (on && !counting_) counts_.clear();
  counting_ = on;
  if (on) empty_tables();
}

u64 Mmu::accesses(PhysAddr page) const {
  const auto found = counts_.find(page.value >> kPageShift);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace ring3
