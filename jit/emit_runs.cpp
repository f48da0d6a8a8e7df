// SPDX-License-Identifier: MIT
// Accesses of one group (access_groups.h) that follow each other: its host address stays in
// kScratchA. Pushes and pops, as functions begin and end, with one addition to the stack pointer
// for all, and a RET as the last; MOVs; and between them what moves registers only. Where the group
// has no host address, each goes its own way, out of line.
#include <cstddef>

#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

/// An immediate, or a general register but the stack pointer.
bool plain_operand(const Decoded& d, const Insn& insn) {
  if (insn.kinds[0] == Kind::Imm) return true;
  const u8 guest = guest_register(d.operands[0].reg.value);
  return insn.kinds[0] == Kind::Reg && guest != kNoGuest && guest != kRsp;
}

/// Keeps flags, and the registers that it moves are general ones: not AH to BH, nor the stack
/// pointer.
bool only_moves(const Decoded& d, const Insn& insn) {
  const auto whole = [](const ZydisDecodedOperand& op) {
    if (op.type != ZYDIS_OPERAND_TYPE_REGISTER) return true;
    const u8 guest = guest_register(op.reg.value);
    return guest != kNoGuest && guest != kRsp &&
           (op.reg.value < ZYDIS_REGISTER_AH || op.reg.value > ZYDIS_REGISTER_BH);
  };
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
      return whole(d.operands[0]) && whole(d.operands[1]);
    case ZYDIS_MNEMONIC_LEA:
      return insn.width >= 4 && insn.base < 16 && whole(d.operands[0]);
    default:
      return false;
  }
}

}  // namespace

/// PUSH, POP and MOV that AccessGroups takes.
bool Translator::may_run_on(u32 index) const {
  const Decoded& d = c_.decoded[index];
  const Insn& insn = block_.insns[index];
  if (c_.groups.group_of(index) == AccessGroups::kNone) return false;
  if (c_.treatments[index] == Treatment::CopyMem) return only_moves(d, insn);
  const bool stack =
      d.insn.mnemonic == ZYDIS_MNEMONIC_PUSH || d.insn.mnemonic == ZYDIS_MNEMONIC_POP;
  return stack && c_.treatments[index] == Treatment::Emit && plain_operand(d, insn);
}

/// A copy of registers, with no need of scratch registers, or of the stack pointer, which a run
/// moves at its end.
bool Translator::passes_run(u32 index) const {
  const Insn& insn = block_.insns[index];
  const auto takes = [](u8 guest) {
    return guest >= 16 || (guest != kRsp && kHostOf[guest] != kSpilled);
  };
  const Decoded& d = c_.decoded[index];
  return c_.treatments[index] == Treatment::Copy && only_moves(d, insn) &&
         !(named_guests(d) & kInState) &&
         (d.insn.mnemonic != ZYDIS_MNEMONIC_LEA || (takes(insn.base) && takes(insn.index)));
}

/// How many instructions from the present one on are a run; 0: none.
u32 Translator::run_length() const {
  const u32 group = c_.groups.group_of(index_);
  const u32 count = static_cast<u32>(block_.insns.size());
  u32 members = 0, end = index_;
  for (u32 n = index_; n < count; ++n) {
    const bool member = c_.groups.group_of(n) == group;
    const bool returns = n > index_ && c_.decoded[n].insn.mnemonic == ZYDIS_MNEMONIC_RET &&
                         c_.treatments[n] == Treatment::Emit;
    if (member && (returns || may_run_on(n))) {
      ++members;
      end = n + 1;
    } else if (n == index_ || !passes_run(n)) {
      break;
    }
    if (returns) break;
  }
  return members < 2 ? 0 : end - index_;
}

void Translator::go_to(u32 index, u64 at) {
  index_ = index;
  at_ = at;
  insn_ = &block_.insns[index];
  d_ = c_.decoded[index];
}

/// kScratchA = the group's host address. `alone`: it has none.
void Translator::find_run(u32 group, u32 behind, asmjit::Label alone) {
  const AccessGroup& g = c_.groups.group(group);
  const i32 offset = c_.groups.offset_of(index_), size = static_cast<i32>(word());
  const bool push = d_.insn.mnemonic == ZYDIS_MNEMONIC_PUSH;
  const bool stack = c_.treatments[index_] == Treatment::Emit;
  if (started_[group]) {
    a_.mov(kScratchA, group_slot(group));
    a_.test(kScratchA, kScratchA);
    a_.jz(alone);
    return;
  }
  started_[group] = true;
  const Operand first = stack ? Operand{.base = kGuestRsp, .offset = push ? -size : 0} : Operand{};
  address_of(first, -offset);
  note_address(first, -offset);
  probe(g.write ? Access::Write : Access::Read, g.span, 0, alone);
  if (g.last >= behind) a_.mov(group_slot(group), kScratchA);
}

/// The operand between its register and `slot`. kScratchB is lost.
void Translator::move_operand(const x86::Mem& slot) {
  if (insn_->kinds[0] == Kind::Imm) {
    a_.mov(slot, imm(static_cast<i32>(insn_->imm)));
  } else if (d_.insn.mnemonic == ZYDIS_MNEMONIC_PUSH) {
    a_.mov(slot, sized(guest_in(insn_->dst / 8, kScratchB)));
  } else {
    const unsigned guest = insn_->dst / 8;
    const bool spilled = kHostOf[guest] == kSpilled;
    const x86::Gp to = spilled ? kScratchB : x86::gpq(kHostOf[guest]);
    a_.mov(sized(to), slot);
    if (spilled) a_.mov(gpr_home(guest), to);
  }
}

/// MOV: the access is at `offset` from kScratchA. kScratchB is lost.
void Translator::move_by_copy(i32 offset) {
  std::array<u8, 16> places;
  std::copy(std::begin(kHostOf), std::end(kHostOf), places.begin());
  place_spilled(places, true);
  const HostCode code = reencode(d_, places, true, {.offset = offset});
  needs_flags_ |= code.length == 0;
  load_places(places);
  a_.embed(code.bytes, code.length);
  store_places(places);
}

/// The present instruction and those up to `behind`; kScratchA has the group's host address.
void Translator::emit_run_members(u32 behind) {
  i32 moved = 0;
  const i32 size = static_cast<i32>(word());
  for (;;) {
    const Treatment treatment = c_.treatments[index_];
    const i32 offset = treatment == Treatment::Copy ? 0 : c_.groups.offset_of(index_);
    const x86::Mem slot = x86::ptr(kScratchA, offset, word());
    if (d_.insn.mnemonic == ZYDIS_MNEMONIC_RET) {
      a_.mov(sized(kScratchA), slot);
      move_stack(moved);
      const asmjit::Label cold = a_.newLabel();
      cold_flags_ = {};
      last_cold(cold);
      return return_to(cold);
    }
    if (treatment == Treatment::Emit) {
      move_operand(slot);
      moved += d_.insn.mnemonic == ZYDIS_MNEMONIC_PUSH ? -size : size;
    } else if (treatment == Treatment::CopyMem) {
      move_by_copy(offset);
    } else {
      copy(false);
    }
    if (index_ + 1 == behind) break;
    after_writes();
    go_to(index_ + 1, truncate(at_ + insn_->length));
    mark(static_cast<u8>(index_), false);
    note_treatment(c_.treatments[index_]);
  }
  if (moved != 0) move_stack(moved);
}

/// False: no run starts here.
bool Translator::emit_run() {
  const u32 length = in_run_ || in_loop_ || in_steady_ ? 0 : run_length();
  if (length == 0) return false;
  name_x87();
  const u32 group = c_.groups.group_of(index_), behind = index_ + length;
  u16 written = 0;
  for (u32 n = index_; n < behind; ++n) written |= written_guests(c_.decoded[n]);
  const bool returns = c_.decoded[behind - 1].insn.mnemonic == ZYDIS_MNEMONIC_RET;
  if (returns || ((flags_ & kRecipe) && (written & recipe_.guests))) {
    save_flags();
  } else {
    release_flags();
  }
  lose_host();
  const Run run{a_.newLabel(), a_.newLabel(),     index_, behind,
                at_,           {flags_, recipe_}, simd_,  !started_[group]};
  find_run(group, behind, run.alone);
  emit_run_members(behind);
  if (!returns) a_.bind(run.back);
  runs_.push_back(run);
  return true;
}

/// The same instructions for themselves, where their group has no host address.
void Translator::emit_cold_runs() {
  in_run_ = true;
  in_loop_ = false;
  for (const Run& run : runs_) {
    a_.bind(run.alone);
    flags_ = run.flags.where;
    recipe_ = run.flags.recipe;
    simd_ = run.simd;
    ended_ = false;
    const u32 group = c_.groups.group_of(run.first);
    if (run.starts) a_.mov(group_slot(group), imm(0));
    u64 at = run.at;
    for (u32 n = run.first; n < run.behind; ++n) {
      go_to(n, at);
      mark(static_cast<u8>(n), true);
      instruction();
      at = truncate(at + insn_->length);
    }
    if (!ended_) a_.jmp(run.back);
  }
  in_run_ = false;
}

}  // namespace ring3::jit
