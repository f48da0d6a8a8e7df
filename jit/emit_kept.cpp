// SPDX-License-Identifier: MIT
// Recipes: how flags are made again from the operands of the instruction that left them, in their
// registers or kept in the frame (kept_flags.h). CMP and TEST once more, TEST of the result of AND,
// OR, XOR, an ADD or SUB undone and done again; what an operation leaves that clears its register,
// or a comparison of equals, is always the same; of INC, DEC and BT what they write, the rest being
// in the frame. A value that came from memory is kept in the frame at once.
#include <cstddef>

#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

bool is_high(RegSlot slot) { return slot % 8 != 0; }

/// CMP AH, SIL cannot be encoded.
bool stands_beside_high(RegSlot slot) { return kHostOf[slot / 8] <= 3; }

i32 immediate_of(const Insn& insn) {
  switch (insn.width) {
    case 1:
      return static_cast<i8>(insn.imm);
    case 2:
      return static_cast<i16>(insn.imm);
    default:
      return static_cast<i32>(insn.imm);
  }
}

size_t slot_of(Remake kind, unsigned side) {
  if (kind == Remake::Step) return offsetof(Frame, step);
  if (kind == Remake::Carry) return offsetof(Frame, carry);
  return side == 0 ? offsetof(Frame, left) : offsetof(Frame, right);
}

x86::Mem origin_byte(i32 at) {
  return x86::byte_ptr(x86::rsp, static_cast<i32>(offsetof(Frame, origin)) + at);
}

/// By what a register or the frame has; the operands are not looked at yet.
Remake remake_of(const Insn& insn) {
  const bool immediate = insn.kinds[1] == Kind::Imm;
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_CMP:
      return Remake::Compare;
    case ZYDIS_MNEMONIC_TEST: {
      const bool same = insn.kinds[0] == Kind::Reg && !immediate && insn.dst == insn.src;
      return same ? Remake::Result : Remake::Test;
    }
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_XOR:
      return Remake::Result;
    case ZYDIS_MNEMONIC_ADD:
      return Remake::UndoAdd;
    case ZYDIS_MNEMONIC_SUB:
      return Remake::UndoSub;
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
      return Remake::Step;
    case ZYDIS_MNEMONIC_BT:
      return immediate ? Remake::Carry : Remake::None;
    default:
      return Remake::None;
  }
}

/// Of a register and itself: it leaves 0.
bool clears(const Insn& insn) {
  return (insn.mnemonic == ZYDIS_MNEMONIC_XOR || insn.mnemonic == ZYDIS_MNEMONIC_SUB) &&
         insn.kinds[0] == Kind::Reg && insn.kinds[1] == Kind::Reg && insn.dst == insn.src;
}

u16 guest_bit(RegSlot slot) { return static_cast<u16>(1u << slot / 8); }

}  // namespace

/// Of an instruction whose operands stand in registers afterwards, but for one that is not needed.
Translator::Recipe Translator::recipe_of(u32 index) const {
  const Insn& insn = block_.insns[index];
  if (clears(insn) && c_.treatments[index] == Treatment::Copy) return {Remake::Zero, index};
  Recipe r{remake_of(insn), index, guest_bit(insn.dst)};
  const bool two = has_right(r.kind) && insn.kinds[1] == Kind::Reg;
  bool fits = insn.kinds[0] == Kind::Reg && c_.treatments[index] <= Treatment::CopyMem;
  fits &= insn.kinds[1] != Kind::Mem || r.kind == Remake::Result;
  if (two) {
    r.guests |= guest_bit(insn.src);
    if (is_high(insn.dst) || is_high(insn.src))
      fits &= stands_beside_high(insn.dst) && stands_beside_high(insn.src);
  }
  // An operand that is the result too is lost.
  const bool undone = r.kind == Remake::UndoAdd || r.kind == Remake::UndoSub;
  if (undone) fits &= !is_high(insn.dst) && !(two && (is_high(insn.src) || insn.src == insn.dst));
  if (is_partial(r.kind)) fits &= !is_high(insn.dst);
  if (!fits) r.kind = Remake::None;
  return r;
}

/// An operand of the recipe's instruction, where it stands now.
asmjit::Operand Translator::side_of(const Recipe& r, unsigned side) const {
  const Insn& insn = block_.insns[r.index];
  if (side == 1 && insn.kinds[1] == Kind::Imm) return imm(immediate_of(insn));
  if (r.kept >> side & 1) {
    x86::Mem slot = frame(slot_of(r.kind, side));
    slot.setSize(insn.width);
    return slot;
  }
  const RegSlot reg = side == 0 ? insn.dst : insn.src;
  const u8 host = kHostOf[reg / 8];
  if (host == kSpilled) return x86::ptr(kState, reg, insn.width);
  if (is_high(reg)) return x86::gpb_hi(host);
  return of_size(x86::gpq(host), insn.width);
}

/// Makes the host's flags, of a partial recipe those that it makes. kScratchB is lost, but not what
/// it is kept for.
void Translator::replay(const Recipe& r) {
  if (r.kind == Remake::Zero) return a_.cmp(kState, kState), void();
  if (quiet_) a_.mov(frame(offsetof(Frame, scratch)), kScratchB);
  const Insn& insn = block_.insns[r.index];
  asmjit::Operand left = side_of(r, 0), right = has_right(r.kind) ? side_of(r, 1) : left;
  const x86::Gp moved = of_size(kScratchB, insn.width);
  const bool compares = r.kind == Remake::Compare || r.kind == Remake::Test;
  if (!compares || (left.isMem() && right.isMem())) {
    if (r.kind != Remake::Result || left.isMem()) {
      a_.emit(x86::Inst::kIdMov, moved, left);
      left = moved;
    }
    if (r.kind == Remake::Result) right = left;
  }
  switch (r.kind) {
    case Remake::Compare:
      a_.emit(x86::Inst::kIdCmp, left, right);
      break;
    case Remake::Test:
    case Remake::Result:
      if (right.isMem()) std::swap(left, right);
      a_.emit(x86::Inst::kIdTest, left, right);
      break;
    case Remake::UndoAdd:
      a_.emit(x86::Inst::kIdSub, left, right);
      a_.emit(x86::Inst::kIdAdd, left, right);
      break;
    case Remake::UndoSub:
      a_.emit(x86::Inst::kIdAdd, left, right);
      a_.emit(x86::Inst::kIdSub, left, right);
      break;
    case Remake::Step:
      insn.mnemonic == ZYDIS_MNEMONIC_INC ? a_.dec(moved) : a_.inc(moved);
      insn.mnemonic == ZYDIS_MNEMONIC_INC ? a_.inc(moved) : a_.dec(moved);
      break;
    default:
      a_.bt(moved, imm(insn.imm & (8 * insn.width - 1)));
  }
  if (quiet_) a_.mov(kScratchB, frame(offsetof(Frame, scratch)));
}

/// Into the frame, if it does not stand there. kScratchB may be lost.
void Translator::keep_side(const Recipe& r, unsigned side) {
  const Insn& insn = block_.insns[r.index];
  if (r.kind == Remake::Zero) return;
  const x86::Mem slot = frame(slot_of(r.kind, side));
  if (side == 1 && insn.kinds[1] == Kind::Imm) return a_.mov(slot, imm(immediate_of(insn))), void();
  if (r.kept >> side & 1) return;
  const RegSlot reg = side == 0 ? insn.dst : insn.src;
  if (is_high(reg)) {
    a_.mov(x86::byte_ptr(x86::rsp, static_cast<i32>(slot_of(r.kind, side))),
           x86::gpb_hi(kHostOf[reg / 8]));
  } else {
    a_.mov(slot, guest_in(reg / 8, kScratchB));
  }
}

/// The frame has the recipe's flags from now on. The host's stay.
void Translator::keep(Recipe& r) {
  const Insn& insn = block_.insns[r.index];
  keep_side(r, 0);
  if (r.kind == Remake::Step) {
    a_.mov(origin_byte(kStepAt), imm(step_of(insn.mnemonic == ZYDIS_MNEMONIC_INC, insn.width)));
  } else if (r.kind == Remake::Carry) {
    a_.mov(origin_byte(kCarryAt), imm((insn.imm & (8 * insn.width - 1)) + 1));
  } else {
    const bool immediate = has_right(r.kind) && insn.kinds[1] == Kind::Imm;
    const bool beside = immediate && fits_origin(immediate_of(insn));
    if (has_right(r.kind) && !beside) keep_side(r, 1);
    a_.mov(frame(offsetof(Frame, origin)),
           imm(beside ? origin_of(r.kind, insn.width, immediate_of(insn))
                      : origin_of(r.kind, insn.width)));
  }
  r.kept = 3;
  r.guests = 0;
}

/// The flags, if the instruction that left them showed by them that its result was 0.
void Translator::note_zero() {
  const Remake kind = recipe_.kind;
  const bool whole = kind == Remake::Compare || kind == Remake::Test || kind == Remake::Result ||
                     kind == Remake::UndoSub;
  if ((flags_ & kRecipe) && !(flags_ & kFrame) && whole) recipe_ = {Remake::Zero, recipe_.index};
}

/// Both name flags of the same kind, the others being in the frame: the newer one replaces it.
bool Translator::replaces(const Recipe& newer) const {
  return is_partial(newer.kind) && (flags_ & kRecipe) && recipe_.kind == newer.kind;
}

/// Whether the instruction, with a memory operand, is one of those whose value is kept, and as
/// what.
Translator::Recipe Translator::kept_recipe() const {
  const Insn& insn = *insn_;
  Recipe r{remake_of(insn), index_, 0};
  const bool left = insn.kinds[0] == Kind::Mem;
  const bool undone = r.kind == Remake::UndoAdd || r.kind == Remake::UndoSub;
  if (left ? undone : insn.kinds[1] != Kind::Mem) return {};
  if (r.kind == Remake::Result || insn.flags_dead || insn.locked() || is_steady(index_)) return {};
  const Kind other = insn.kinds[left ? 1 : 0];
  r.kept = left ? 1 : 2;
  if (other != Kind::Reg) return r;
  const RegSlot reg = left ? insn.src : insn.dst;
  r.guests = guest_bit(reg);
  // At home 32 bits would not be extended.
  if (is_high(reg) || (undone && kHostOf[reg / 8] == kSpilled && insn.width == 4)) return {};
  return r;
}

/// If instruction `index`, which is there, is a Jcc that ends the block: how many of its ways out
/// overwrite the flags. Else -1.
int Translator::exits_that_overwrite(u32 index, u64 at) const {
  if (index + 1 != block_.insns.size()) return -1;
  const Insn& last = block_.insns[index];
  if (c_.decoded[index].insn.meta.category != ZYDIS_CATEGORY_COND_BR) return -1;
  const u64 next = truncate(at + last.length);
  const u64 target = truncate(next + last.imm);
  if (target == rip_) return -1;
  return is_overwritten_at(next) + is_overwritten_at(target);
}

/// Before a CMP or TEST, whose operands stay: what the exits would store, so that the host finds
/// its jump next to it and fuses both.
bool Translator::keep_ahead(Recipe r) {
  const u16 m = insn_->mnemonic;
  if (m != ZYDIS_MNEMONIC_CMP && m != ZYDIS_MNEMONIC_TEST) return false;
  // kScratchB may have the value from memory.
  if (r.kind == Remake::None || (r.kept && r.guests & kInState)) return false;
  if (!polled_ || quiet_ || exits_that_overwrite() != 0) return false;
  keep(r);
  return true;
}

/// An instruction whose flags depend on a value in memory. Where the probe fails the rest of the
/// block is run by its handlers, as they would not leave the value. False: it is not such a one.
bool Translator::copy_kept() {
  const Recipe r = kept_recipe();
  if (r.kind == Remake::None) return false;
  if (!is_partial(r.kind) && exits_that_overwrite() == 2) return false;
  if (is_partial(r.kind) && !replaces(r)) save_flags();
  release_flags();
  const Insn& insn = *insn_;
  const bool write = r.kind == Remake::Step;
  const Place place = find({.access = write ? Access::Write : Access::Read, .size = insn.width});
  const x86::Mem memory = x86::ptr(kScratchA, place.offset, insn.width);
  const x86::Gp value = of_size(kScratchB, insn.width);
  insn.width < 4 ? a_.movzx(kScratchB.r32(), memory) : a_.mov(value, memory);
  if (write) {
    insn.mnemonic == ZYDIS_MNEMONIC_INC ? a_.inc(value) : a_.dec(value);
    a_.mov(memory, value);
  }
  a_.mov(frame(slot_of(r.kind, r.kept == 2)), kScratchB);
  const bool ahead = keep_ahead(r);
  operate(r, value);
  flags_ = kRecipe | (r.kind == Remake::Step    ? kNoCarry
                      : r.kind == Remake::Carry ? kOnlyCarry
                                                : kHost);
  if (ahead) flags_ |= kFrame;
  recipe_ = r;
  cold_.push_back({.label = place.cold,
                   .back = {},
                   .index = index_,
                   .before = cold_flags_,
                   .simd = simd_,
                   .rest = true,
                   .steady = in_steady_});
  return true;
}

/// With the value that came from memory.
void Translator::operate(const Recipe& r, x86::Gp value) {
  asmjit::Operand left = value, right = value;
  if (r.kept == 2) left = side_of(r, 0);
  if (r.kept == 1 && has_right(r.kind)) right = side_of(r, 1);
  switch (r.kind) {
    case Remake::Compare:
      a_.emit(x86::Inst::kIdCmp, left, right);
      break;
    case Remake::Test:
      if (right.isMem()) std::swap(left, right);
      a_.emit(x86::Inst::kIdTest, left, right);
      break;
    case Remake::UndoAdd:
      a_.emit(x86::Inst::kIdAdd, left, right);
      break;
    case Remake::UndoSub:
      a_.emit(x86::Inst::kIdSub, left, right);
      break;
    case Remake::Carry:
      a_.bt(value, imm(insn_->imm & (8 * insn_->width - 1)));
      break;
    default:
      break;
  }
}

}  // namespace ring3::jit
