// SPDX-License-Identifier: MIT
// The guest's page walk: 32-bit, PAE and 4-level paging (SDM 3A "Paging"). Pure function of the
// paging state and guest memory, but for the accessed and dirty bits, which it sets as asked.
#pragma once

#include <array>

#include "base/types.h"
#include "mmu/physical_memory.h"

namespace ring3 {

enum class Access : u8 { Read, Write, Execute };

/// Who accesses, as far as page rights are concerned. One TLB and one shadow view each.
enum class View : u8 {
  Supervisor,     ///< CPL < 3 or implicit system access; SMAP enforced if CR4.SMAP
  SupervisorAc,   ///< CPL < 3 with EFLAGS.AC = 1: SMAP suspended
  User,           ///< CPL = 3
};
inline constexpr size_t kViews = 3;

/// Everything the walk depends on besides memory. Register layouts as in the SDM.
struct PagingState {
  u64 cr0 = 0, cr3 = 0, cr4 = 0, efer = 0;
  u32 pkru = 0;
  std::array<u64, 4> pdpte{};   ///< PAE: loaded at mov cr3 (SDM 3A "PDPTE Registers")
  unsigned physical_bits = 40;  ///< MAXPHYADDR: reserved bits above raise RSVD faults
};

/// Page-fault error code bits.
enum PfError : u32 { kPfP = 1, kPfW = 2, kPfU = 4, kPfRsvd = 8, kPfI = 16, kPfPk = 32 };

/// One level of a walk, for the teaching view.
struct WalkStep {
  PhysAddr entry_address;
  u64 entry = 0;
  unsigned level = 0;  ///< 4 PML4E, 3 PDPTE, 2 PDE, 1 PTE
};

struct Walk {
  bool ok = false;
  u32 error = 0;        ///< page-fault error code if !ok
  PhysAddr address;     ///< gpa of the byte asked for, if ok
  u8 page_shift = 12;   ///< 12, 21, 22 or 30
  bool writable = false, user = false, executable = false;  ///< combined rights of all levels
  bool global = false, dirty = false;
  u8 key = 0;           ///< protection key
  u8 steps = 0;
  std::array<WalkStep, 4> step{};
};

/// Translates and checks rights. `set_bits`: store A (and D for a write), as an access would;
/// false for a debugger's look.
Walk walk(PhysicalMemory& memory, const PagingState& state, LinearAddr address, Access access,
          View view, bool set_bits);

/// Loads the four PDPTEs that cr3 points at. False if a present one has reserved bits set (#GP).
bool load_pdptes(PhysicalMemory& memory, const PagingState& state, u64 cr3,
                 std::array<u64, 4>& out);

}  // namespace ring3
