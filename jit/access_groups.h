// SPDX-License-Identifier: MIT
// Memory accesses of a block that can share one probe: the same base and index, at constant
// distances, though they move by constants in between (PUSH, ADD, LEA). The first probes for the
// whole range; where that lies in one page, its host address is kept for the others. In a block
// that jumps to its own start, a group that moves by a constant a turn is steady: emit_steady.cpp.
#pragma once

#include <span>
#include <vector>

#include "decoder/decoder.h"

namespace ring3::jit {

/// A register whose value is not known, by number: kConstant, or what general register n held at
/// the block's start, n + 1, or what a later instruction left.
using Unknown = u32;
inline constexpr Unknown kConstant = 0;
/// The general register that held it at the block's start, or some number above 15.
inline constexpr u32 register_of(Unknown unknown) { return unknown - 1; }

struct AccessGroup {
  u32 first = 0, last = 0;  ///< instructions
  i64 low = 0;              ///< of the range, from what base and index held at first
  u32 span = 0;             ///< bytes
  bool write = false;       ///< some of them write
  u32 members = 0;
  Unknown base = kConstant, index = kConstant;
  u8 scale = 0;         ///< the index is shifted left by that
  bool based = false;   ///< in a segment that is not flat
  bool steady = false;  ///< at the block's end it stands `stride` bytes from where it stood
  i64 stride = 0;
  bool fixed() const { return steady && stride == 0; }
};

class AccessGroups {
 public:
  static constexpr u32 kNone = ~u32{0};
  static constexpr u32 kMaxGroups = 8, kMaxSpan = 1024;

  /// `word`: bytes of an address. `treatments` are those of the instructions. Groups of one are
  /// kept if they are steady: they gain in loops.
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
    Unknown unknown = kConstant;
    i64 offset = 0;
  };
  /// An address.
  struct Place {
    Unknown base = kConstant, index = kConstant;
    u8 scale = 0;
    u8 segment = 0;
    i64 offset = 0;
  };
  struct Member {
    u32 group = kNone;
    i64 offset = 0;
  };
  struct Open {
    Place place;
    u32 group;
    u32 basic;  ///< block, by number, that it begins in
  };

  void note_access(u32 index, const Decoded& d, const Insn& insn, Treatment treatment, u64 next);
  Place place_of(const Insn& insn, u64 next) const;
  void join(u32 index, const Place& at, u32 size, bool write);
  bool extend(AccessGroup& group, i64 low, i64 high);
  void step(const Decoded& d, const Insn& insn, Treatment treatment);
  bool move(const Decoded& d, const Insn& insn);
  void forget(unsigned guest) { values_[guest] = {++unknowns_, 0}; }
  void forget_all();
  bool stride_of(Unknown unknown, i64& stride) const;
  void find_steady();
  void drop_small();

  unsigned word_ = 8;
  u32 unknowns_ = 0, basic_ = 0;
  Value values_[16];
  std::vector<Member> members_;
  std::vector<AccessGroup> groups_;
  std::vector<Open> open_;
};

}  // namespace ring3::jit
