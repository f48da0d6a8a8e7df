// SPDX-License-Identifier: MIT
// One direct-mapped TLB table, for one rights view.
//
// A tag is the page's linear address if that access may go straight to host memory, else a value
// that no address of this slot can match (another slot's page), so a probe is one XOR and one
// compare and a non-canonical address never hits.
#pragma once

#include <vector>

#include "base/types.h"

namespace ring3 {

struct TlbEntry {
  u64 read_tag = 0, write_tag = 0, execute_tag = 0;
  u64 addend = 0;  ///< host address minus linear address
  u8* host(u64 linear) const { return reinterpret_cast<u8*>(addend + linear); }
};
static_assert(sizeof(TlbEntry) == 32);

class Tlb {
 public:
  static constexpr size_t kEntries = 1024;
  const TlbEntry& entry(u64 linear) const {
    return entries_[(linear >> kPageShift) & (kEntries - 1)];
  }

 private:
  std::vector<TlbEntry> entries_;
};

}  // namespace ring3
