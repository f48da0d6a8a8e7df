// SPDX-License-Identifier: MIT
// The guest's arithmetic flags between the host's flags, the frame, and recipes (emit_kept.cpp),
// which make them again from registers that still stand as their instruction left them. So flags
// that only a fault would show cost nothing.
#include <cstddef>

#include "jit/reencode.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

constexpr u32 kArithmetic = ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF |
                            ZYDIS_CPUFLAG_ZF | ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF;

bool writes_all_or_none(const Decoded& d) {
  const ZydisAccessedFlags* f = d.insn.cpu_flags;
  const Row* row = find_row(d.insn.mnemonic);
  return row && row->family == Family::shift && !(f->tested & kArithmetic) &&
         ((f->modified | f->set_0 | f->set_1 | f->undefined) & kArithmetic) == kArithmetic;
}

bool overwrites(const FlagUse& use) { return use.writes && !use.reads; }

/// Registers and immediates only, nothing that can fault.
bool is_pure(const Decoded& d) {
  const Row* row = find_row(d.insn.mnemonic);
  if (!row || row->treatment != Treatment::Copy) return false;
  if (row->family > Family::data) return false;
  if (d.insn.mnemonic == ZYDIS_MNEMONIC_DIV || d.insn.mnemonic == ZYDIS_MNEMONIC_IDIV) return false;
  for (unsigned n = 0; n < d.insn.operand_count_visible; ++n) {
    const ZydisDecodedOperand& op = d.operands[n];
    if (op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.type != ZYDIS_MEMOP_TYPE_AGEN) return false;
    if (op.type == ZYDIS_OPERAND_TYPE_REGISTER && guest_register(op.reg.value) == kNoGuest)
      return false;
  }
  return true;
}

}  // namespace

u32 tested_flags(const Decoded& d) {
  return d.insn.cpu_flags ? d.insn.cpu_flags->tested & kArithmetic : 0;
}

void Translator::save_flags() {
  if (flags_ & kFrame) return;
  if (flags_ & kRecipe) {
    keep(recipe_);
  } else {
    store_flags();
    hold();
    flags_ |= kPlain;
  }
  flags_ |= kFrame;
}

/// The frame's become right. The host's stay.
void Translator::put_flags(const Flags& flags) {
  if (flags.where & kFrame) return;
  if (!(flags.where & kRecipe)) return store_flags();
  Recipe r = flags.recipe;
  keep(r);
}

/// From the host's, all of which are right. They stay.
void Translator::store_flags() {
  a_.mov(kScratchA, x86::rax);
  a_.lahf();
  a_.seto(x86::al);
  a_.mov(x86::word_ptr(x86::rsp, offsetof(Frame, flags)), x86::ax);
  a_.mov(x86::rax, kScratchA);
  a_.mov(frame(offsetof(Frame, origin)), imm(0));
}

void Translator::restore_flags(x86::Gp scratch) {
  a_.mov(scratch, x86::rax);
  a_.movzx(x86::eax, x86::word_ptr(x86::rsp, offsetof(Frame, flags)));
  a_.add(x86::al, imm(0x7F));  // OF from al
  a_.sahf();
  a_.mov(x86::rax, scratch);
}

void Translator::release_flags() {
  if (!(flags_ & kFrame) && !((flags_ & kRecipe) && recipe_lasts(recipe_, index_))) save_flags();
  lose_host();
}

/// Frame::flags becomes right, if the frame has them. kScratchB is lost, and the host's.
void Translator::make_plain() {
  if (!(flags_ & kPlain)) a_.call(imm(reinterpret_cast<u64>(c_.stubs.make_flags)));
  flags_ |= kPlain;
}

bool Translator::host_has(u32 tested) const {
  constexpr u32 kCarryFlag = ZYDIS_CPUFLAG_CF;
  return (flags_ & kHost) || ((flags_ & kNoCarry) && !(tested & kCarryFlag)) ||
         ((flags_ & kOnlyCarry) && tested == kCarryFlag);
}

void Translator::need_flags(u32 tested, x86::Gp scratch) {
  if (host_has(tested)) return;
  if (flags_ & kRecipe) {
    const u8 before = flags_;
    lose_host();
    flags_ |= recipe_.kind == Remake::Step    ? kNoCarry
              : recipe_.kind == Remake::Carry ? kOnlyCarry
                                              : kHost;
    if (host_has(tested)) return replay(recipe_);
    flags_ = before;
  }
  save_flags();
  make_plain();
  restore_flags(scratch);
  flags_ |= kHost;
}

/// Before an instruction that reads flags, or keeps some of them.
void Translator::ready_flags(const FlagUse& use) {
  if (!use.reads) return;
  if (!use.writes) return need_flags(tested_flags(d_));
  const Recipe r = recipe_of(index_);
  if (!is_partial(r.kind)) return need_flags();
  if ((flags_ & kFrame) || replaces(r)) return;
  if ((flags_ & kHost) && (insn_->flags_dead || !(flags_ & kRecipe))) return;
  save_flags();
}

/// Of the present instruction.
FlagUse Translator::use_of_flags() const {
  FlagUse use = flag_use(d_);
  // Nobody looks at what a shift by 0 would keep.
  if (use.writes && insn_->flags_dead && writes_all_or_none(d_)) use.reads = false;
  return use;
}

void Translator::note_flags(const FlagUse& use) {
  if (!use.writes) return;
  Recipe r = recipe_of(index_);
  if (is_partial(r.kind)) return note_partial(r);
  flags_ = kHost;
  recipe_ = r;
  if (r.kind != Remake::None) flags_ |= kRecipe;
  if (insn_->flags_dead && !use.reads) flags_ |= kFrame;  // nobody will look at it
}

/// The frame has the other flags; or the host has all.
void Translator::note_partial(const Recipe& r) {
  const bool framed = (flags_ & kFrame) || replaces(r);
  const bool step = r.kind == Remake::Step;
  const u8 mine = step ? kNoCarry : kOnlyCarry, others = step ? kOnlyCarry : kNoCarry;
  flags_ = flags_ & (kHost | others) ? u8{kHost} : mine;
  if (framed) flags_ |= kRecipe;
  recipe_ = r;
}

/// For an instruction with a memory operand, before the way to it; `calm`: that loses no flags.
void Translator::make_way(const FlagUse& use, bool calm) {
  if (!calm) return release_flags();
  ready_flags(use);
}

/// The next instruction destroys a register of the recipe that the flags stand in: alone, or beside
/// the host's flags, from which they would soon be stored, which costs more.
void Translator::before_writes() {
  if ((flags_ & (kFrame | kRecipe)) != kRecipe) return;
  const FlagUse use = flag_use(d_);
  if (!(written_guests(d_) & recipe_.guests) || overwrites(use)) return;
  if (replaces(recipe_of(index_))) return;
  if (flags_ & kHost) {
    if (!quiet_ && is_pure(d_) && stores_host(index_)) save_flags();
    return;
  }
  if (use.reads || !cannot_fault(index_) || shows_flags(index_ + 1)) return save_flags();
  flags_ |= kFrame;  // nobody will look at it
}

void Translator::after_writes() {
  // A recipe's own instruction leaves its registers as the recipe wants them.
  if (!(flags_ & kRecipe) || recipe_.index == index_) return;
  if (!(written_guests(d_) & recipe_.guests)) return;
  flags_ &= static_cast<u8>(~kRecipe);
  if (!(flags_ & (kHost | kFrame)))
    flags_ = kFrame;  // recipe_lasts() saw that nobody will look at them
}

bool Translator::cannot_fault(u32 index) const {
  return quiet_ || is_steady(index) || is_pure(c_.decoded[index]);
}

/// True if something may look at the flags as they are before instruction `from`: a reader, a
/// fault, the block's end. False: they are overwritten first.
bool Translator::shows_flags(u32 from) const {
  for (u32 n = from; n < c_.decoded.size(); ++n) {
    const Decoded& d = c_.decoded[n];
    const FlagUse use = flag_use(d);
    if (use.reads || !cannot_fault(n)) return true;
    if (use.writes) return false;
  }
  return true;
}

/// The flags, which stand in the host's before instruction `from` alone, will be stored from there.
bool Translator::stores_host(u32 from) const {
  u64 at = at_;
  for (u32 n = from; n < c_.decoded.size(); ++n) {
    const FlagUse use = flag_use(c_.decoded[n]);
    if (use.writes) return false;
    const bool jumps = is_jcc(block_.insns[n].mnemonic);
    if (jumps && n + 1 == c_.decoded.size()) return exits_that_overwrite(n, at) != 2;
    if (!jumps && !is_pure(c_.decoded[n])) return true;
    at = truncate(at + block_.insns[n].length);
  }
  return !is_overwritten_at(at);
}

/// No instruction of the block from `from` on destroys what the recipe needs, while something may
/// look at the flags.
bool Translator::recipe_lasts(const Recipe& recipe, u32 from) const {
  for (u32 n = from; n < c_.decoded.size(); ++n) {
    const Decoded& d = c_.decoded[n];
    if (overwrites(flag_use(d))) return true;
    if (is_partial(recipe.kind) && recipe_of(n).kind == recipe.kind) return true;
    if (written_guests(d) & recipe.guests) return !shows_flags(n + 1);
  }
  return true;
}

/// The instruction before which the poll stands: the first, where the frame has the flags; in a
/// block that overwrites them before anything can show them, the one after that.
u32 Translator::poll_index(bool lazy) const {
  if (needed_from(0)) return 0;  // is looked after at the start
  for (u32 n = 0; lazy && n < c_.decoded.size(); ++n) {
    const Decoded& d = c_.decoded[n];
    if (!is_pure(d) || c_.treatments[n] != Treatment::Copy) return 0;
    const FlagUse use = flag_use(d);
    if (use.reads) return 0;
    if (!use.writes) continue;
    const Recipe recipe = recipe_of(n);
    return recipe.kind != Remake::None || block_.insns[n].flags_dead ? n + 1 : 0;
  }
  return 0;
}

/// A guess, from the first instructions, of what poll_index() will say of a block.
bool Translator::overwrites_flags(std::span<const u8> bytes) const {
  constexpr unsigned kLook = 4;
  Decoded d;
  for (unsigned n = 0; n < kLook; ++n) {
    if (c_.decoder.decode(bits64() ? CodeSize::Bits64 : CodeSize::Bits32, bytes, d) !=
            DecodeStatus::Ok ||
        !is_pure(d))
      return false;
    const FlagUse use = flag_use(d);
    if (use.reads) return false;
    if (use.writes) return true;
    bytes = bytes.subspan(d.insn.length);
  }
  return false;
}

}  // namespace ring3::jit
