// SPDX-License-Identifier: MIT
// The guest's page walk: 32-bit, PAE and 4-level paging (SDM 3A "Paging"). Pure function of the
// paging state and guest memory, but for the accessed and dirty bits, which it sets as asked.
// Not emulated: 5-level paging, shadow-stack and supervisor-key (PKS) rights, paging-structure
// caches (each walk reads all levels).
#pragma once

#include <array>

#include "base/bits.h"
#include "base/types.h"
#include "mmu/physical_memory.h"

namespace ring3 {

enum class Access : u8 { Read, Write, Execute };

/// Who accesses, as far as page rights are concerned. One TLB each.
enum class View : u8 {
  Supervisor,    ///< CPL < 3 or implicit system access; SMAP enforced if CR4.SMAP
  SupervisorAc,  ///< CPL < 3 with EFLAGS.AC = 1: SMAP suspended
  User,          ///< CPL = 3
};
inline constexpr size_t kViews = 3;

enum class PagingMode : u8 { Off, Bits32, Pae, Level4 };

/// The bits of CR0, CR4 and EFER that paging looks at.
namespace paging {
inline constexpr u64 kCr0Wp = bit(16), kCr0Pg = bit(31);
inline constexpr u64 kCr4Pse = bit(4), kCr4Pae = bit(5), kCr4Pge = bit(7), kCr4Pcide = bit(17),
                     kCr4Smep = bit(20), kCr4Smap = bit(21), kCr4Pke = bit(22);
inline constexpr u64 kEferLma = bit(10), kEferNxe = bit(11);
}  // namespace paging

/// Everything the walk depends on besides memory. Register layouts as in the SDM.
struct PagingState {
  u64 cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
  u32 pkru = 0;
  std::array<u64, 4> pdpte{};   ///< PAE: loaded at mov cr3 (SDM 3A "PDPTE Registers")
  unsigned physical_bits = 40;  ///< MAXPHYADDR: reserved bits above raise RSVD faults
  bool gib_pages = true;        ///< CPUID 80000001H EDX.Page1GB: else PS is reserved in a PDPTE

  PagingMode mode() const {
    if (!(cr0 & paging::kCr0Pg)) return PagingMode::Off;
    if (efer & paging::kEferLma) return PagingMode::Level4;
    return cr4 & paging::kCr4Pae ? PagingMode::Pae : PagingMode::Bits32;
  }
  /// XD is a right, not a reserved bit.
  bool execute_disable() const { return (efer & paging::kEferNxe) && (cr4 & paging::kCr4Pae); }
  bool protection_keys() const { return (cr4 & paging::kCr4Pke) && mode() == PagingMode::Level4; }
  /// 0 unless CR4.PCIDE.
  u16 pcid() const { return cr4 & paging::kCr4Pcide ? cr3 & 0xFFF : 0; }
};

/// Page-fault error code bits.
enum PfError : u32 { kPfP = 1, kPfW = 2, kPfU = 4, kPfRsvd = 8, kPfI = 16, kPfPk = 32 };

/// Combined over all levels of a translation.
struct PageRights {
  bool writable = false, user = false, executable = false;
  u8 key = 0;  ///< protection key
};

/// What a view may do with a page: a mask of right_bit(access).
constexpr u8 right_bit(Access access) {
  return static_cast<u8>(1 << static_cast<unsigned>(access));
}
u8 rights_in(const PagingState& state, const PageRights& page, View view);

/// One level of a walk, for the teaching view.
struct WalkStep {
  PhysAddr entry_address;  ///< PAE's PDPTEs: where CR3 points, though the cpu uses its registers
  u64 entry = 0;
  unsigned level = 0;  ///< 4 PML4E, 3 PDPTE, 2 PDE, 1 PTE
};

struct Walk : PageRights {
  bool ok = false;
  u32 error = 0;       ///< page-fault error code if !ok
  PhysAddr address;    ///< gpa of the byte asked for, A20 applied, if ok
  u64 page_base = 0;   ///< gpa of the page's first byte, A20 not applied
  u8 page_shift = 12;  ///< 12, 21, 22 or 30
  bool global = false, dirty = false;
  u8 steps = 0;
  std::array<WalkStep, 4> step{};
};

/// Translates and checks rights. `set_bits`: store A (and D for a write), as an access would;
/// false for a debugger's look.
Walk walk(PhysicalMemory& memory, const PagingState& state, LinearAddr address, Access access,
          View view, bool set_bits);

/// Follows the tables only: ok means present without reserved bits; no rights, nothing stored.
Walk look_up(PhysicalMemory& memory, const PagingState& state, LinearAddr address);

/// Loads the four PDPTEs that cr3 points at. False if a present one has reserved bits set (#GP).
bool load_pdptes(PhysicalMemory& memory, const PagingState& state, u64 cr3,
                 std::array<u64, 4>& out);

}  // namespace ring3
