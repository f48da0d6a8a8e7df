// SPDX-License-Identifier: MIT
// Guest page tables for tests: a bump allocator of table pages and one map() per paging mode.
#pragma once

#include <array>

#include "mmu/mmu.h"

namespace ring3::test {

inline constexpr u64 kP = 1, kW = 2, kU = 4, kA = 0x20, kD = 0x40, kPs = 0x80, kG = 0x100;
inline constexpr u64 kXd = bit(63);
inline constexpr u64 kAll = kP | kW | kU;

inline PagingState bits32_state() {
  PagingState s;
  s.cr0 = paging::kCr0Pg | 1;
  s.cr4 = paging::kCr4Pse;
  s.cr3 = 0x10'0000;
  return s;
}

inline PagingState pae_state() {
  PagingState s = bits32_state();
  s.cr4 = paging::kCr4Pae;
  for (unsigned i = 0; i < 4; ++i) s.pdpte[i] = (0x10'1000 + i * 0x1000) | kP;
  return s;
}

inline PagingState level4_state() {
  PagingState s = bits32_state();
  s.cr4 = paging::kCr4Pae;
  s.efer = paging::kEferLma;
  return s;
}

/// Writes tables from 1 MiB + 64 KiB on; entries above the leaf allow everything.
class Tables {
 public:
  Tables(PhysicalMemory& memory, const PagingState& state) : memory_(memory), state_(state) {}

  /// Maps one page at `level` (1 = 4 KiB) by the leaf entry as given. `upper`: flags of the other
  /// levels. Returns where the leaf stands.
  PhysAddr map(u64 linear, u64 leaf, unsigned level = 1, u64 upper = kAll) {
    const bool narrow = state_.mode() == PagingMode::Bits32;
    const unsigned index_bits = narrow ? 10 : 9, size = narrow ? 4 : 8;
    u64 table = state_.cr3 & ~u64{0xFFF};
    unsigned at = narrow ? 2 : 4;
    if (state_.mode() == PagingMode::Pae) {
      table = state_.pdpte[linear >> 30] & ~u64{0xFFF};
      at = 2;
    }
    for (;; --at) {
      const u64 index = (linear >> (12 + index_bits * (at - 1))) & low_mask(index_bits);
      const PhysAddr entry{table + index * size};
      if (at == level) {
        put(entry, leaf, size);
        return entry;
      }
      u64 value = get(entry, size);
      if (!(value & kP)) put(entry, value = next_ | kP, size), next_ += 0x1000;
      put(entry, (value & ~kAll) | upper, size);
      table = value & low_mask(52) & ~u64{0xFFF};
    }
  }
  u64 get(PhysAddr at, unsigned size) {
    return size == 4 ? memory_.read<u32>(at) : memory_.read<u64>(at);
  }
  void put(PhysAddr at, u64 value, unsigned size) {
    size == 4 ? memory_.write(at, static_cast<u32>(value)) : memory_.write(at, value);
  }

 private:
  PhysicalMemory& memory_;
  const PagingState& state_;
  u64 next_ = 0x11'0000;
};

inline constexpr std::array<u64, 4> kNoPdptes{};

/// A 4-level machine: 16 MiB of RAM, an Mmu in 64-bit mode with PGE and NXE.
struct Machine {
  PhysicalMemory memory{0x100'0000};
  Mmu mmu{memory};
  PagingState state = level4_state();
  Tables tables{memory, state};

  explicit Machine(u64 cr4 = paging::kCr4Pae | paging::kCr4Pge,
                   u64 cr0 = paging::kCr0Pg | paging::kCr0Wp | 1) {
    state.cr4 = cr4;
    mmu.set_cr4(cr4);
    mmu.set_efer(paging::kEferLma | paging::kEferNxe);
    mmu.set_cr0(cr0);
    mmu.load_cr3(state.cr3, false, kNoPdptes);
  }
  Translation touch(u64 linear, Access access = Access::Read, View view = View::Supervisor) {
    mmu.set_view(view);
    return mmu.translate({linear}, access, view);
  }
};

}  // namespace ring3::test
