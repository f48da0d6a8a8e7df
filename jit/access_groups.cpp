// SPDX-License-Identifier: MIT
#include "jit/access_groups.h"

#include <algorithm>

#include "core/cpu_state.h"
#include "jit/reencode.h"
#include "jit/treatment.h"

namespace ring3::jit {
namespace {

constexpr u8 kFlatSegment = kDs;

/// The whole general register that the operand is, or kNoGuest.
u8 whole_register(const ZydisDecodedOperand& op, unsigned word) {
  if (op.type != ZYDIS_OPERAND_TYPE_REGISTER || op.size != 8 * word) return kNoGuest;
  return guest_register(op.reg.value);
}

i64 signed_imm(const Insn& insn) { return static_cast<i32>(insn.imm); }

bool is_stack_word(const Insn& insn, unsigned word) {
  return insn.operand_width == word && (insn.kinds[0] == Kind::Reg || insn.kinds[0] == Kind::Imm);
}

}  // namespace

void AccessGroups::find(std::span<const Decoded> decoded, std::span<const Insn> insns,
                        std::span<const Treatment> treatments, unsigned word, u64 rip) {
  word_ = word;
  unknowns_ = kConstant;
  members_.assign(insns.size(), {});
  groups_.clear();
  basic_ = 0;
  forget_all();
  for (u32 n = 0; n < insns.size(); ++n) {
    rip += insns[n].length;
    const Treatment t = treatments[n];
    const bool innocuous = classify(decoded[n].insn.mnemonic) == Class::Innocuous;
    if (t == Treatment::Callout || t == Treatment::CalloutEnd || !innocuous) {
      forget_all();  // a handler writes what it likes; the view or a segment may change
      continue;
    }
    note_access(n, decoded[n], insns[n], t, rip);
    step(decoded[n], insns[n], t);
    basic_ += is_jcc(insns[n].mnemonic);
  }
  find_steady();
  drop_small();
}

/// False: at the block's end the register holds something else than at its start plus a constant.
bool AccessGroups::stride_of(Unknown unknown, i64& stride) const {
  const u32 guest = register_of(unknown);
  if (unknown == kConstant) return true;
  if (guest >= 16 || values_[guest].unknown != unknown) return false;
  stride = values_[guest].offset;
  return true;
}

/// What base and index were at the start: forget_all() numbers the registers' values first.
void AccessGroups::find_steady() {
  for (AccessGroup& g : groups_) {
    i64 base = 0, index = 0;
    g.steady = stride_of(g.base, base) && stride_of(g.index, index);
    if (g.steady) g.stride = base + (index << g.scale);
  }
}

void AccessGroups::forget_all() {
  for (unsigned guest = 0; guest < 16; ++guest) forget(guest);
  open_.clear();
}

AccessGroups::Place AccessGroups::place_of(const Insn& insn, u64 next) const {
  const bool based =
      insn.segment == kFs || insn.segment == kGs || (insn.segment == kCs && word_ == 4);
  Place at{.segment = based ? insn.segment : kFlatSegment, .offset = insn.disp};
  if (insn.base == CpuState::kRipSlot) at.offset += static_cast<i64>(next);
  if (insn.base < 16) {
    at.base = values_[insn.base].unknown;
    at.offset += values_[insn.base].offset;
  }
  if (insn.index < 16) {
    at.index = values_[insn.index].unknown;
    at.scale = insn.scale;
    at.offset += values_[insn.index].offset << insn.scale;
  }
  return at;
}

void AccessGroups::note_access(u32 index, const Decoded& d, const Insn& insn, Treatment treatment,
                               u64 next) {
  const Value sp = values_[kRsp];
  const i64 word = word_;
  const auto stack = [](Value v) {
    return Place{.base = v.unknown, .segment = kFlatSegment, .offset = v.offset};
  };
  if (treatment == Treatment::CopyMem) {
    const ZydisDecodedOperand* op = memory_operand(d);
    if (!op || op->size == 0 || op->size > 512 || insn.address_width != word_) return;
    if (insn.locked() || wants_alignment(d)) return;
    if (op->mem.index != ZYDIS_REGISTER_NONE && insn.index >= 16) return;
    constexpr i64 kFar = 0x7FFF'0000;  // the range's ends must have displacements too
    if (insn.disp > kFar || insn.disp < -kFar) return;
    const bool write = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
    return join(index, place_of(insn, next), op->size / 8, write);
  }
  if (treatment != Treatment::Emit || insn.operand_width != word_) return;
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
      if (!is_stack_word(insn, word_)) return;
      [[fallthrough]];
    case ZYDIS_MNEMONIC_CALL:
      return join(index, stack({sp.unknown, sp.offset - word}), word_, true);
    case ZYDIS_MNEMONIC_POP:
      if (!is_stack_word(insn, word_)) return;
      [[fallthrough]];
    case ZYDIS_MNEMONIC_RET:
      return join(index, stack(sp), word_, false);
    case ZYDIS_MNEMONIC_LEAVE:
      return join(index, stack(values_[kRbp]), word_, false);
    default:
      return;
  }
}

/// False, with nothing done: the range would become too long.
bool AccessGroups::extend(AccessGroup& group, i64 low, i64 high) {
  low = std::min(low, group.low);
  high = std::max(high, group.low + group.span);
  if (high - low > kMaxSpan) return false;
  group.low = low;
  group.span = static_cast<u32>(high - low);
  return true;
}

void AccessGroups::join(u32 index, const Place& at, u32 size, bool write) {
  for (const Open& open : open_) {
    const Place& p = open.place;
    if (p.base != at.base || p.index != at.index || p.scale != at.scale || p.segment != at.segment)
      continue;
    AccessGroup& group = groups_[open.group];
    // What is written only maybe is probed for reading.
    if (write && !group.write && open.basic != basic_) continue;
    if (!extend(group, at.offset, at.offset + size)) continue;
    group.last = index;
    group.write |= write;
    ++group.members;
    members_[index] = {open.group, at.offset};
    return;
  }
  const u32 number = static_cast<u32>(groups_.size());
  groups_.push_back({.first = index,
                     .last = index,
                     .low = at.offset,
                     .span = size,
                     .write = write,
                     .members = 1,
                     .base = at.base,
                     .index = at.index,
                     .scale = at.scale,
                     .based = at.segment != kFlatSegment});
  open_.push_back({at, number, basic_});
  members_[index] = {number, at.offset};
}

/// What stands in the registers after the instruction.
void AccessGroups::step(const Decoded& d, const Insn& insn, Treatment treatment) {
  const i64 width = insn.operand_width;
  if (treatment == Treatment::Emit) {
    switch (d.insn.mnemonic) {
      case ZYDIS_MNEMONIC_PUSH:
        values_[kRsp].offset -= width;
        return;
      case ZYDIS_MNEMONIC_POP:
        values_[kRsp].offset += width;
        if (insn.kinds[0] == Kind::Reg) forget(insn.dst / 8);
        return;
      case ZYDIS_MNEMONIC_LEAVE:
        values_[kRsp] = {values_[kRbp].unknown, values_[kRbp].offset + width};
        return forget(kRbp);
      default:
        break;
    }
  }
  if (treatment == Treatment::Copy && move(d, insn)) return;
  const u16 written = written_guests(d);
  for (unsigned guest = 0; guest < 16; ++guest)
    if (written >> guest & 1) forget(guest);
}

/// True if the instruction moves a register by a constant, or copies one.
bool AccessGroups::move(const Decoded& d, const Insn& insn) {
  const u8 to = whole_register(d.operands[0], word_);
  if (to == kNoGuest) return false;
  const bool by_imm = insn.kinds[1] == Kind::Imm;
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_MOV: {
      const u8 from = whole_register(d.operands[1], word_);
      if (from == kNoGuest) return false;
      values_[to] = values_[from];
      return true;
    }
    case ZYDIS_MNEMONIC_ADD:
      if (by_imm) values_[to].offset += signed_imm(insn);
      return by_imm;
    case ZYDIS_MNEMONIC_SUB:
      if (by_imm) values_[to].offset -= signed_imm(insn);
      return by_imm;
    case ZYDIS_MNEMONIC_INC:
      ++values_[to].offset;
      return true;
    case ZYDIS_MNEMONIC_DEC:
      --values_[to].offset;
      return true;
    case ZYDIS_MNEMONIC_LEA:
      if (insn.base >= 16 || insn.index < 16 || insn.address_width != word_) return false;
      values_[to] = {values_[insn.base].unknown, values_[insn.base].offset + insn.disp};
      return true;
    default:
      return false;
  }
}

/// An access alone gains nothing, but in a loop; nor has the frame room for any number.
void AccessGroups::drop_small() {
  std::vector<AccessGroup> kept;
  std::vector<u32> renamed(groups_.size(), kNone);
  for (const bool small : {false, true}) {
    for (u32 n = 0; n < groups_.size(); ++n) {
      const AccessGroup& g = groups_[n];
      if ((g.members < 2) != small || (small && !g.steady) || kept.size() == kMaxGroups) continue;
      renamed[n] = static_cast<u32>(kept.size());
      kept.push_back(g);
    }
  }
  groups_ = std::move(kept);
  for (Member& m : members_)
    if (m.group != kNone) m.group = renamed[m.group];
}

}  // namespace ring3::jit
