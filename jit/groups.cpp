// SPDX-License-Identifier: MIT
#include "jit/groups.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/cpu_state.h"
#include "jit/reencode.h"

namespace ring3::jit {
namespace {

using Origin = u32;
constexpr Origin kNowhere = ~Origin{0};

/// A register's value: what some register held at some place, and a distance from it.
struct Value {
  Origin origin = kNowhere;
  u64 delta = 0;
};

/// An address but for its distance.
struct Key {
  Origin base = kNowhere, index = kNowhere;
  u8 scale = 0, segment = 0;
  bool operator==(const Key&) const = default;
};

/// What is known of the general registers, instruction by instruction.
class Registers {
 public:
  explicit Registers(bool bits64) : bytes_(bits64 ? 8 : 4) {
    for (Origin r = 0; r < 16; ++r) values_[r] = {r, 0};
  }
  const Value& operator[](unsigned r) const { return values_[r]; }

  void after(const Insn& insn, const Decoded& d) {
    const std::optional<Value> known = result(insn, d);
    const unsigned target = insn.dst / 8;
    forget_written(d);
    if (known) values_[target] = *known;
    if (const i64 moved = stack_move(insn)) values_[kRsp] = {stack_.origin, stack_.delta + moved};
  }
  /// To be called before after(): the stack pointer that it starts from.
  void before() { stack_ = values_[kRsp]; }

 private:
  /// A whole general register.
  bool whole(const ZydisDecodedOperand& op) const {
    return op.type == ZYDIS_OPERAND_TYPE_REGISTER && op.size == 8 * bytes_ &&
           guest_register(op.reg.value) != kNoGuest;
  }
  std::optional<Value> moved(unsigned r, u64 by) const {
    return Value{values_[r].origin, values_[r].delta + by};
  }
  /// The destination's value after the instruction, if it is a register's plus a constant.
  std::optional<Value> result(const Insn& insn, const Decoded& d) const {
    if (!whole(d.operands[0])) return std::nullopt;
    const unsigned target = insn.dst / 8;
    const bool immediate = insn.kinds[1] == Kind::Imm;
    switch (insn.mnemonic) {
      case ZYDIS_MNEMONIC_ADD:
        return immediate ? moved(target, insn.imm) : std::nullopt;
      case ZYDIS_MNEMONIC_SUB:
        return immediate ? moved(target, u64{0} - insn.imm) : std::nullopt;
      case ZYDIS_MNEMONIC_INC:
        return moved(target, 1);
      case ZYDIS_MNEMONIC_DEC:
        return moved(target, ~u64{0});
      case ZYDIS_MNEMONIC_MOV:
        if (!whole(d.operands[1])) return std::nullopt;
        return moved(insn.src / 8, 0);
      case ZYDIS_MNEMONIC_LEA:
        if (insn.base >= 16 || insn.index < 16 || insn.address_width != bytes_) return std::nullopt;
        return moved(insn.base, static_cast<u64>(insn.disp));
      default:
        return std::nullopt;
    }
  }
  static i64 stack_move(const Insn& insn) {
    const i64 bytes = insn.operand_width;
    if (insn.mnemonic == ZYDIS_MNEMONIC_PUSH) return -bytes;
    const bool to_rsp = insn.kinds[0] == Kind::Reg && insn.dst == 8 * kRsp;
    return insn.mnemonic == ZYDIS_MNEMONIC_POP && !to_rsp ? bytes : 0;
  }
  void forget_written(const Decoded& d) {
    for (unsigned n = 0; n < d.insn.operand_count; ++n) {
      const ZydisDecodedOperand& op = d.operands[n];
      if (op.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
      if (!(op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) continue;
      const u8 guest = guest_register(op.reg.value);
      if (guest != kNoGuest) values_[guest] = {next_++, 0};
    }
  }

  unsigned bytes_;
  std::array<Value, 16> values_;
  Value stack_;
  Origin next_ = 16;
};

class Finder {
 public:
  Finder(std::span<const Insn> insns, std::span<const Decoded> decoded,
         std::span<const Groups::Use> uses, u64 rip, bool bits64)
      : insns_(insns), decoded_(decoded), uses_(uses), at_(rip), registers_(bits64) {
    out_.members.resize(insns.size());
  }

  Groups run() {
    for (u32 n = 0; n < insns_.size(); ++n) {
      at_ += insns_[n].length;
      if (uses_[n].joins) place(n);
      if (uses_[n].ends) open_.clear();
      registers_.before();
      registers_.after(insns_[n], decoded_[n]);
    }
    drop_lonely();
    for (Group& g : out_.groups) settle_alignment(g);
    give_slots();
    return std::move(out_);
  }

 private:
  struct Open {
    Key key;
    u32 group;
  };

  /// The operand's address as a key and a distance. at_ is that of the next instruction.
  Key address(const Insn& insn, u64& offset) const {
    Key key;
    key.segment = insn.segment == kFs || insn.segment == kGs ? insn.segment : u8{kDs};
    offset = static_cast<u64>(insn.disp);
    if (insn.base == CpuState::kRipSlot) offset += at_;
    if (insn.base < 16) {
      key.base = registers_[insn.base].origin;
      offset += registers_[insn.base].delta;
    }
    if (insn.index < 16) {
      key.index = registers_[insn.index].origin;
      key.scale = insn.scale;
      offset += registers_[insn.index].delta << insn.scale;
    }
    return key;
  }

  void place(u32 n) {
    u64 offset = 0;
    const Key key = address(insns_[n], offset);
    const i64 at = static_cast<i64>(offset);
    out_.members[n].offset = at;
    for (const Open& open : open_)
      if (open.key == key && join(open.group, n, at)) return;
    const Groups::Use& use = uses_[n];
    Group g{n, n, 1, at, at + use.bytes, use.write, use.align_mask, 0};
    out_.members[n].group = static_cast<u32>(out_.groups.size());
    open_.push_back({key, out_.members[n].group});
    out_.groups.push_back(g);
    aligned_at_.push_back(at);
  }

  bool join(u32 group, u32 n, i64 at) {
    Group& g = out_.groups[group];
    const Groups::Use& use = uses_[n];
    const i64 low = std::min(g.low, at), high = std::max<i64>(g.high, at + use.bytes);
    if (high - low > Groups::kMaxBytes) return false;
    if (use.align_mask) {
      if (g.align_mask && ((at - aligned_at_[group]) & std::min(g.align_mask, use.align_mask)))
        return false;
      if (use.align_mask > g.align_mask) {
        g.align_mask = use.align_mask;
        aligned_at_[group] = at;
      }
    }
    g.low = low, g.high = high;
    g.write |= use.write;
    g.last = n;
    ++g.members;
    out_.members[n].group = group;
    return true;
  }

  void drop_lonely() {
    for (Member& m : out_.members)
      if (m.group != Member::kAlone && out_.groups[m.group].members == 1) m.group = Member::kAlone;
  }

  /// `low` goes down to where its alignment is that of the aligned operands.
  void settle_alignment(Group& g) {
    const i64 at = aligned_at_[static_cast<size_t>(&g - out_.groups.data())];
    if (g.align_mask) g.low -= (g.low - at) & g.align_mask;
  }

  void give_slots() {
    std::array<i64, Groups::kSlots> busy_until;
    busy_until.fill(-1);
    for (u32 n = 0; n < out_.groups.size(); ++n) {
      Group& g = out_.groups[n];
      if (g.members == 1) continue;
      const auto free = std::ranges::find_if(busy_until, [&](i64 end) { return end < g.first; });
      if (free == busy_until.end()) {
        dissolve(n);
        continue;
      }
      *free = g.last;
      g.slot = static_cast<u8>(free - busy_until.begin());
    }
  }
  void dissolve(u32 group) {
    for (Member& m : out_.members)
      if (m.group == group) m.group = Member::kAlone;
  }

  std::span<const Insn> insns_;
  std::span<const Decoded> decoded_;
  std::span<const Groups::Use> uses_;
  u64 at_;
  Registers registers_;
  Groups out_;
  std::vector<Open> open_;
  std::vector<i64> aligned_at_;  ///< by group: an operand of its strictest alignment
};

}  // namespace

Groups Groups::find(std::span<const Insn> insns, std::span<const Decoded> decoded,
                    std::span<const Use> uses, u64 rip, bool bits64) {
  return Finder(insns, decoded, uses, rip, bits64).run();
}

}  // namespace ring3::jit
