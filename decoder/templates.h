// SPDX-License-Identifier: MIT
// Instructions decoded before, by all their bytes but displacement and immediate: what is decoded
// again, with other values there or the same, is a copy. Code has few such beginnings: those of a
// Linux boot are 13,000, of 760,000 instructions decoded.
// Not kept: VEX, EVEX and XOP encodings, far pointers, absolute offsets, two immediates.
#pragma once

#include <Zydis/Zydis.h>

#include <array>
#include <memory>
#include <span>

#include "base/types.h"

namespace ring3 {

struct Decoded;

class Templates {
 public:
  /// Fills all of `out` but its bytes. False: decode it.
  bool find(unsigned mode, std::span<const u8> bytes, Decoded& out) const;
  /// What find() is to give from now on. `out` stands for the bytes, and nothing is wrong with it.
  void keep(unsigned mode, std::span<const u8> bytes, const Decoded& out);

 private:
  struct Entry {
    ZydisDecodedInstruction insn;
    std::array<ZydisDecodedOperand, 6> operands;
    u8 memory, immediate;  ///< operands that hold the displacement, the immediate
  };
  static constexpr size_t kEntries = 512;
  static size_t slot_of(u64 key);

  std::array<u64, kEntries> keys_{};
  std::unique_ptr<Entry[]> entries_;
};

}  // namespace ring3
