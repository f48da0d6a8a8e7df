// SPDX-License-Identifier: MIT
// The guest's arithmetic flags between the host's flags, the frame, and recipes. A recipe makes the
// flags of an instruction again from registers that still stand as it left them: CMP and TEST once
// more, TEST of the result of AND, OR, XOR, an ADD or SUB undone and done again. So flags that only
// a fault would show cost nothing.
#include <cstddef>

#include "jit/reencode.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

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

x86::Gp of_width(x86::Gp reg, unsigned width) {
  switch (width) {
    case 1:
      return reg.r8();
    case 2:
      return reg.r16();
    case 4:
      return reg.r32();
    default:
      return reg.r64();
  }
}

}  // namespace

void Translator::save_flags() {
  if (flags_ & kFrame) return;
  if (!(flags_ & kHost)) replay(recipe_);
  store_flags();
  hold();
  flags_ |= kFrame | kHost;
}

void Translator::store_flags() {
  a_.mov(kScratchA, x86::rax);
  a_.lahf();
  a_.seto(x86::al);
  a_.mov(x86::word_ptr(x86::rsp, offsetof(Frame, flags)), x86::ax);
  a_.mov(x86::rax, kScratchA);
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
  flags_ &= static_cast<u8>(~kHost);
}

void Translator::need_flags(x86::Gp scratch) {
  if (flags_ & kHost) return;
  if (flags_ & kRecipe) {
    replay(recipe_);
  } else {
    restore_flags(scratch);
  }
  flags_ |= kHost;
}

void Translator::note_flags(const FlagUse& use) {
  if (!use.writes) return;
  flags_ = kHost;
  recipe_ = recipe_of(index_);
  if (recipe_.kind != Recipe::None) flags_ |= kRecipe;
  if (insn_->flags_dead) flags_ |= kFrame;  // nobody will look at it
}

/// For an instruction with a memory operand, before the way to it; `calm`: that loses no flags.
void Translator::make_way(const FlagUse& use, bool calm) {
  if (calm) {
    if (use.reads) need_flags();
    return;
  }
  if (use.reads) save_flags();
  release_flags();
}

/// The flags stand in a recipe alone, of which the next instruction destroys a register.
void Translator::before_writes() {
  if ((flags_ & (kHost | kFrame | kRecipe)) != kRecipe) return;
  const FlagUse use = flag_use(d_);
  if (!(written_guests(d_) & recipe_.guests) || overwrites(use)) return;
  if (use.reads || !cannot_fault(index_) || shows_flags(index_ + 1)) return save_flags();
  flags_ |= kFrame;  // nobody will look at it
}

void Translator::after_writes() {
  // A recipe's own instruction leaves its registers as the recipe wants them.
  if (!(flags_ & kRecipe) || recipe_.index == index_) return;
  if (!(written_guests(d_) & recipe_.guests)) return;
  flags_ &= static_cast<u8>(~kRecipe);
  if (flags_ == 0) flags_ = kFrame;  // recipe_lasts() saw that nobody will look at them
}

Translator::Recipe Translator::recipe_of(u32 index) const {
  const Decoded& d = c_.decoded[index];
  const Insn& insn = block_.insns[index];
  Recipe r{Recipe::None, index, named_guests(d)};
  if (insn.kinds[0] != Kind::Reg || insn.kinds[1] == Kind::Mem || !is_pure(d)) return r;
  const bool result = insn.dst % 8 == 0;  // not AH, CH, DH, BH
  const bool source = insn.kinds[1] == Kind::Imm || (insn.src % 8 == 0 && insn.src != insn.dst);
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_TEST: {
      std::array<u8, 16> places;
      std::copy(std::begin(kHostOf), std::end(kHostOf), places.begin());
      if (place_spilled(places, false, d) && reencode(d, places, false).length != 0)
        r.kind = Recipe::Again;
      break;
    }
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_XOR:
      if (result) r.kind = Recipe::Result;
      r.guests = static_cast<u16>(1u << (insn.dst / 8));
      break;
    case ZYDIS_MNEMONIC_ADD:
      if (result && source) r.kind = Recipe::UndoAdd;
      break;
    case ZYDIS_MNEMONIC_SUB:
      if (result && source) r.kind = Recipe::UndoSub;
      break;
    default:
      break;
  }
  return r;
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

/// No instruction of the block from `from` on destroys what the recipe needs, while something may
/// look at the flags.
bool Translator::recipe_lasts(const Recipe& recipe, u32 from) const {
  for (u32 n = from; n < c_.decoded.size(); ++n) {
    const Decoded& d = c_.decoded[n];
    if (overwrites(flag_use(d))) return true;
    if (written_guests(d) & recipe.guests) return !shows_flags(n + 1);
  }
  return true;
}

/// Makes the host's flags; both scratch registers are lost, but not what they are kept for.
void Translator::replay(const Recipe& recipe) {
  if (quiet_) a_.mov(frame(offsetof(Frame, scratch)), kScratchB);
  replay_anyhow(recipe);
  if (quiet_) a_.mov(kScratchB, frame(offsetof(Frame, scratch)));
  hold();
}

void Translator::replay_anyhow(const Recipe& recipe) {
  if (recipe.kind != Recipe::Again) return replay_from_result(recipe);
  const Decoded& d = c_.decoded[recipe.index];
  std::array<u8, 16> places;
  std::copy(std::begin(kHostOf), std::end(kHostOf), places.begin());
  place_spilled(places, false, d);
  load_places(places, d);
  const HostCode code = reencode(d, places, false);
  a_.embed(code.bytes, code.length);
}

void Translator::replay_from_result(const Recipe& recipe) {
  const Insn& insn = block_.insns[recipe.index];
  const x86::Gp result = guest_in(insn.dst / 8, kScratchB);
  if (recipe.kind == Recipe::Result) {
    const x86::Gp r = of_width(result, insn.width);
    a_.test(r, r);
    return;
  }
  if (result != kScratchB) a_.mov(kScratchB, result);
  const x86::Gp to = of_width(kScratchB, insn.width);
  const bool add = recipe.kind == Recipe::UndoAdd;
  if (insn.kinds[1] == Kind::Imm) {
    const auto value = imm(static_cast<i64>(insn.width == 8   ? static_cast<i32>(insn.imm)
                                            : insn.width == 4 ? static_cast<i32>(insn.imm)
                                            : insn.width == 2 ? static_cast<i16>(insn.imm)
                                                              : static_cast<i8>(insn.imm)));
    if (add) {
      a_.sub(to, value);
      a_.add(to, value);
    } else {
      a_.add(to, value);
      a_.sub(to, value);
    }
    return;
  }
  const x86::Gp source = of_width(guest_in(insn.src / 8, kScratchA), insn.width);
  if (add) {
    a_.sub(to, source);
    a_.add(to, source);
  } else {
    a_.add(to, source);
    a_.sub(to, source);
  }
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
    const bool kept = recipe.kind != Recipe::None && recipe_lasts(recipe, n + 1);
    return kept || block_.insns[n].flags_dead ? n + 1 : 0;
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
