// SPDX-License-Identifier: MIT
// Memory operands of a block that stand near each other: same registers but for known distances,
// other displacements. One probe serves a group, if all of it lies in one page.
#pragma once

#include <span>
#include <vector>

#include "jit/jit.h"

namespace ring3::jit {

struct Group {
  u32 first = 0, last = 0;  ///< instructions
  u32 members = 0;
  i64 low = 0, high = 0;  ///< bytes, by the group's own origin
  bool write = false;
  u32 align_mask = 0;  ///< the linear address of `low` must have these bits clear
  u8 slot = 0;         ///< where the frame keeps the host address of `low`
  u32 bytes() const { return static_cast<u32>(high - low); }
};

/// What an instruction's memory operand belongs to.
struct Member {
  static constexpr u32 kAlone = ~u32{0};
  u32 group = kAlone;
  i64 offset = 0;  ///< of its first byte, as Group::low
};

struct Groups {
  static constexpr unsigned kSlots = 6;
  static constexpr i64 kMaxBytes = 512;

  std::vector<Group> groups;
  std::vector<Member> members;  ///< by instruction

  /// `joins`: the operand may be accessed without a probe of its own; `ends`: memory may be mapped
  /// otherwise after it. By instruction.
  struct Use {
    bool joins = false, ends = false;
    bool write = false;
    u32 bytes = 0, align_mask = 0;
  };
  static Groups find(std::span<const Insn> insns, std::span<const Decoded> decoded,
                     std::span<const Use> uses, u64 rip, bool bits64);
};

}  // namespace ring3::jit
