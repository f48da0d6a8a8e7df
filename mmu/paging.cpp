// SPDX-License-Identifier: MIT
// The page walk: SDM 3A chapter "Paging". Tables are followed first, rights are judged on what all
// levels combine to, and only an access that is allowed stores A and D.
#include "mmu/paging.h"

#include <algorithm>

namespace ring3 {
namespace {

using namespace paging;

enum Entry : u64 {
  kP = bit(0),
  kRw = bit(1),
  kUs = bit(2),
  kA = bit(5),
  kD = bit(6),
  kPs = bit(7),
  kG = bit(8),
  kXd = bit(63)
};

/// Geometry of a paging mode's tables.
struct Format {
  unsigned levels, index_bits, entry_size;
};

Format format_of(PagingMode mode) {
  switch (mode) {
    case PagingMode::Bits32:
      return {2, 10, 4};
    case PagingMode::Pae:
      return {3, 9, 8};
    default:
      return {4, 9, 8};
  }
}

unsigned level_shift(const Format& f, unsigned level) {
  return static_cast<unsigned>(kPageShift) + f.index_bits * (level - 1);
}

bool maps_page(const PagingState& s, PagingMode mode, unsigned level, u64 entry) {
  if (level == 1) return true;
  if (!(entry & kPs)) return false;
  switch (mode) {
    case PagingMode::Bits32:
      return s.cr4 & kCr4Pse;
    case PagingMode::Pae:
      return level == 2;
    default:
      return level == 2 || (level == 3 && s.gib_pages);
  }
}

/// Bits [high:low], empty if high < low.
u64 field(unsigned high, unsigned low) { return low_mask(high + 1) & ~low_mask(low); }

// SDM 3A "Paging-Structure Entries" of each mode, the rows marked "Reserved (must be 0)". M is
// MAXPHYADDR; PSE-36 reaches at most 40 bits.
u64 reserved_bits(const PagingState& s, PagingMode mode, unsigned level, bool leaf) {
  if (mode == PagingMode::Bits32) {
    if (!leaf || level == 1) return 0;
    const unsigned m = std::clamp(s.physical_bits, 32u, 40u);
    return bit(21) | field(20, m - 19);
  }
  const unsigned m = std::clamp(s.physical_bits, 32u, 52u);
  u64 reserved = mode == PagingMode::Pae ? field(62, m) : field(51, m);
  if (!s.execute_disable()) reserved |= kXd;
  if (leaf && level == 3) reserved |= field(29, 13);
  if (leaf && level == 2) reserved |= field(20, 13);
  if (!leaf && level >= 3) reserved |= kPs;
  return reserved;
}

u64 leaf_base(PagingMode mode, u64 entry, unsigned shift) {
  const u64 base = entry & field(51, shift);
  if (mode != PagingMode::Bits32 || shift == kPageShift) return base;
  return base | bits(entry, 20, 13) << 32;  // PSE-36
}

u64 read_entry(PhysicalMemory& memory, PhysAddr at, unsigned size) {
  const PhysPage page = memory.page(at);
  if (!page.host) return size == 4 ? memory.read<u32>(at) : memory.read<u64>(at);
  const u8* p = page.host + at.offset();
  return size == 4 ? __atomic_load_n(reinterpret_cast<const u32*>(p), __ATOMIC_RELAXED)
                   : __atomic_load_n(reinterpret_cast<const u64*>(p), __ATOMIC_RELAXED);
}

template <class T>
bool replace(u8* host, u64 old, u64 value) {
  T expected = static_cast<T>(old);
  return __atomic_compare_exchange_n(reinterpret_cast<T*>(host), &expected, static_cast<T>(value),
                                     false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/// False if another cpu changed the entry meanwhile.
bool update_entry(PhysicalMemory& memory, PhysAddr at, unsigned size, u64 old, u64 value) {
  const PhysPage page = memory.page(at);
  if (page.kind != PageKind::Ram) {  // tables in a device window; ROM and holes drop it
    size == 4 ? memory.write(at, static_cast<u32>(value)) : memory.write(at, value);
    return true;
  }
  u8* p = page.host + at.offset();
  if (!(size == 4 ? replace<u32>(p, old, value) : replace<u64>(p, old, value))) return false;
  if (memory.watched(page)) memory.notify_write(at, size);
  return true;
}

u32 access_bits(const PagingState& s, Access access, View view) {
  u32 error = 0;
  if (access == Access::Write) error |= kPfW;
  if (view == View::User) error |= kPfU;
  // I/D: only if fetches can fault as such, i.e. CR4.SMEP, or CR4.PAE and EFER.NXE.
  if (access == Access::Execute && ((s.cr4 & kCr4Smep) || s.execute_disable())) error |= kPfI;
  return error;
}

/// What PKRU forbids for data: SDM 3A "Protection Keys".
u8 key_denies(const PagingState& s, const PageRights& page, View view) {
  if (!page.user || !s.protection_keys()) return 0;
  const bool ad = s.pkru >> (2 * page.key) & 1;
  const bool wd = s.pkru >> (2 * page.key + 1) & 1;
  const bool wd_applies = view == View::User || (s.cr0 & kCr0Wp);
  u8 denied = 0;
  if (ad) denied |= right_bit(Access::Read) | right_bit(Access::Write);
  if (wd && wd_applies) denied |= right_bit(Access::Write);
  return denied;
}

void combine(Walk& w, const PagingState& s, u64 entry) {
  w.writable &= (entry & kRw) != 0;
  w.user &= (entry & kUs) != 0;
  if (s.execute_disable() && (entry & kXd)) w.executable = false;
}

void finish(Walk& w, PhysicalMemory& memory, const PagingState& s, PagingMode mode, u64 entry,
            u64 linear) {
  const u64 offset = linear & low_mask(w.page_shift);
  w.page_base = leaf_base(mode, entry, w.page_shift);
  w.address = memory.a20_masked({w.page_base | offset});
  w.global = (entry & kG) && (s.cr4 & kCr4Pge);
  w.dirty = entry & kD;
  if (mode == PagingMode::Level4) w.key = static_cast<u8>(bits(entry, 62, 59));
  w.ok = true;
}

Walk identity(PhysicalMemory& memory, LinearAddr address) {
  Walk w;
  w.ok = w.writable = w.user = w.executable = w.dirty = true;
  w.page_base = address.value & low_mask(32) & ~kPageMask;
  w.address = memory.a20_masked({w.page_base | address.offset()});
  return w;
}

/// Stores A in each entry used and D in the leaf of a write. False: an entry changed, walk again.
bool store_bits(PhysicalMemory& memory, const PagingState& s, Walk& w, Access access) {
  const PagingMode mode = s.mode();
  const unsigned size = format_of(mode).entry_size;
  for (unsigned i = 0; i < w.steps; ++i) {
    WalkStep& step = w.step[i];
    if (mode == PagingMode::Pae && step.level == 3) continue;  // PDPTE registers have no A
    const bool leaf = i + 1u == w.steps;
    const u64 value = step.entry | kA | (leaf && access == Access::Write ? u64{kD} : 0);
    if (value == step.entry) continue;
    if (!update_entry(memory, step.entry_address, size, step.entry, value)) return false;
    step.entry = value;
    if (leaf) w.dirty = value & kD;
  }
  return true;
}

}  // namespace

// SDM 3A "Determination of Access Rights".
u8 rights_in(const PagingState& s, const PageRights& page, View view) {
  const u8 read = right_bit(Access::Read), write = right_bit(Access::Write),
           execute = right_bit(Access::Execute);
  u8 rights = 0;
  if (view == View::User) {
    if (!page.user) return 0;
    rights = read | (page.writable ? write : 0);
    if (page.executable) rights |= execute;
  } else {
    const bool smap = page.user && (s.cr4 & kCr4Smap) && view == View::Supervisor;
    const bool smep = page.user && (s.cr4 & kCr4Smep);
    if (!smap) rights |= read;
    if (!smap && (page.writable || !(s.cr0 & kCr0Wp))) rights |= write;
    if (!smep && page.executable) rights |= execute;
  }
  return rights & static_cast<u8>(~key_denies(s, page, view));
}

Walk look_up(PhysicalMemory& memory, const PagingState& s, LinearAddr address) {
  const PagingMode mode = s.mode();
  if (mode == PagingMode::Off) return identity(memory, address);
  const Format f = format_of(mode);
  const u64 linear = mode == PagingMode::Level4 ? address.value : address.value & low_mask(32);
  u64 table = mode == PagingMode::Bits32 ? s.cr3 & field(31, 12)
              : mode == PagingMode::Pae  ? s.cr3 & field(31, 5)
                                         : s.cr3 & field(51, 12);
  Walk w;
  w.writable = w.user = w.executable = true;
  for (unsigned level = f.levels;; --level) {
    const unsigned shift = level_shift(f, level);
    const bool pae_register = mode == PagingMode::Pae && level == 3;
    const u64 index = (linear >> shift) & (pae_register ? 3 : low_mask(f.index_bits));
    const PhysAddr at{table + index * f.entry_size};
    const u64 entry = pae_register ? s.pdpte[index] : read_entry(memory, at, f.entry_size);
    w.step[w.steps++] = {at, entry, level};
    if (!(entry & kP)) return w;
    if (pae_register) {  // no rights, checked when it was loaded
      table = entry & field(51, 12);
      continue;
    }
    const bool leaf = maps_page(s, mode, level, entry);
    if (entry & reserved_bits(s, mode, level, leaf)) {
      w.error = kPfP | kPfRsvd;
      return w;
    }
    combine(w, s, entry);
    if (leaf) {
      w.page_shift = static_cast<u8>(shift);
      finish(w, memory, s, mode, entry, linear);
      return w;
    }
    table = entry & field(51, 12);
  }
}

Walk walk(PhysicalMemory& memory, const PagingState& s, LinearAddr address, Access access,
          View view, bool set_bits) {
  for (;;) {
    Walk w = look_up(memory, s, address);
    if (s.mode() == PagingMode::Off) return w;
    if (!w.ok) {
      w.error |= access_bits(s, access, view);
    } else if (!(rights_in(s, w, view) & right_bit(access))) {
      w.ok = false;
      w.error = kPfP | access_bits(s, access, view);
      if (key_denies(s, w, view) & right_bit(access)) w.error |= kPfPk;
    } else if (set_bits && !store_bits(memory, s, w, access)) {
      continue;
    }
    return w;
  }
}

bool load_pdptes(PhysicalMemory& memory, const PagingState& s, u64 cr3, std::array<u64, 4>& out) {
  const unsigned m = std::clamp(s.physical_bits, 32u, 52u);
  const u64 reserved = field(2, 1) | field(8, 5) | field(63, m);
  for (unsigned i = 0; i < 4; ++i) {
    out[i] = read_entry(memory, {(cr3 & field(31, 5)) + 8 * i}, 8);
    if ((out[i] & kP) && (out[i] & reserved)) return false;
  }
  return true;
}

}  // namespace ring3
