// SPDX-License-Identifier: MIT
// Memory accesses of a block that can share one probe: the same base register, at constant
// distances, though it moves by constants in between (PUSH, ADD, LEA). The first probes for the
// whole range; where that lies in one page, its host address is kept for the others.
#pragma once

#include <span>
#include <vector>

#include "decoder/decoder.h"

namespace ring3::jit {

struct AccessGroup {
  u32 first = 0, last = 0;  ///< instructions
  i64 low = 0;              ///< of the range, from the value that the base had at first
  u32 span = 0;             ///< bytes
  bool write = false;       ///< some of them write
  u32 members = 0;
  u32 unknown = 0;     ///< what the base held at the block's start, by number
  bool fixed = false;  ///< at the block's end it stands where it stood at its start
};

class AccessGroups {
 public:
  static constexpr u32 kNone = ~u32{0};
  static constexpr u32 kMaxGroups = 8, kMaxSpan = 1024;

  /// `word`: bytes of an address. `treatments` are those of the instructions. Groups of one are
  /// kept if they are fixed: they gain in loops.
  void find(std::span<const Decoded> decoded, std::span<const Insn> insns,
            std::span<const Treatment> treatments, unsigned word, u64 rip);

  /// The group of the instruction's access, or kNone: it probes for itself.
  u32 group_of(u32 index) const { return index < members_.size() ? members_[index].group : kNone; }
  /// Bytes from the group's low end.
  i32 offset_of(u32 index) const {
    return static_cast<i32>(members_[index].offset - groups_[members_[index].group].low);
  }
  const AccessGroup& group(u32 n) const { return groups_[n]; }
  u32 size() const { return static_cast<u32>(groups_.size()); }

 private:
  /// A register's value: that of an unknown, plus a constant.
  struct Value {
    u32 unknown = 0;
    i64 offset = 0;
  };
  struct Member {
    u32 group = kNone;
    i64 offset = 0;
  };
  struct Key {
    u32 unknown;
    u8 segment;
    u32 group;
  };

  void note_access(u32 index, const Decoded& d, const Insn& insn, Treatment treatment, u64 next);
  void join(u32 index, Value at, u8 segment, u32 size, bool write);
  bool extend(AccessGroup& group, i64 low, i64 high);
  void step(const Decoded& d, const Insn& insn, Treatment treatment);
  bool move(const Decoded& d, const Insn& insn);
  void forget(unsigned guest) { values_[guest] = {++unknowns_, 0}; }
  void forget_all();
  void find_fixed();
  void drop_small();

  unsigned word_ = 8;
  u32 unknowns_ = 0;
  Value values_[16];
  std::vector<Member> members_;
  std::vector<AccessGroup> groups_;
  std::vector<Key> open_;
};

}  // namespace ring3::jit
