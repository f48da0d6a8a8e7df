// SPDX-License-Identifier: MIT
// PUSH and POP of memory and of 16-bit operands, ENTER without nesting, LOOP and JRCXZ.
#include <cstddef>

#include "jit/forms.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

bool Translator::emit_stack() {
  switch (d_.insn.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
      if (ZydisRegisterGetClass(d_.operands[0].reg.value) == ZYDIS_REGCLASS_SEGMENT &&
          insn_->kinds[0] == Kind::Reg)
        return emit_push_segment(), true;
      if (insn_->kinds[0] == Kind::Mem || insn_->operand_width == 2) return emit_push_sized(), true;
      return false;
    case ZYDIS_MNEMONIC_POP:
      if (insn_->kinds[0] == Kind::Mem) return emit_pop_memory(), true;
      if (insn_->operand_width == 2) return emit_pop_word(), true;
      return false;
    case ZYDIS_MNEMONIC_ENTER:
      return emit_enter(), true;
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JRCXZ:
      return emit_loop(), true;
    default:
      return false;
  }
}

/// PUSH m, and PUSH of 16 bits.
void Translator::emit_push_sized() {
  const unsigned size = insn_->operand_width;
  save_flags();
  asmjit::Label unreadable;
  if (insn_->kinds[0] == Kind::Mem) {
    effective_address(d_.operands[0]);
    unreadable = probe(Access::Read, size);
    a_.mov(of_size(kScratchB, size), x86::ptr(kScratchA));
    a_.mov(frame(offsetof(Frame, scratch)), kScratchB);
  }
  stack_slot(-static_cast<i32>(size));
  const asmjit::Label cold = probe(Access::Write, size);
  if (insn_->kinds[0] == Kind::Mem) {
    a_.mov(kScratchB, frame(offsetof(Frame, scratch)));
  } else if (insn_->kinds[0] == Kind::Imm) {
    a_.mov(kScratchB.r32(), imm(insn_->imm & 0xFFFF));
  } else {
    load_register(kScratchB, insn_->dst);
  }
  a_.mov(x86::ptr(kScratchA), of_size(kScratchB, size));
  move_stack(-static_cast<i32>(size));
  flags_ = kFrame;
  finish_cold(cold);
  if (insn_->kinds[0] == Kind::Mem) finish_cold(unreadable);
}

/// POP m: rSP in its address is the incremented one.
void Translator::emit_pop_memory() {
  const unsigned size = insn_->operand_width;
  save_flags();
  stack_slot(0);
  const asmjit::Label unreadable = probe(Access::Read, size);
  a_.mov(of_size(kScratchB, size), x86::ptr(kScratchA));
  a_.mov(frame(offsetof(Frame, scratch)), kScratchB);
  effective_address(d_.operands[0]);
  if (insn_->base == kRsp) a_.add(sized(kScratchA), imm(size));
  const asmjit::Label cold = probe(Access::Write, size);
  a_.mov(kScratchB, frame(offsetof(Frame, scratch)));
  a_.mov(x86::ptr(kScratchA), of_size(kScratchB, size));
  move_stack(static_cast<i32>(size));
  flags_ = kFrame;
  finish_cold(cold);
  finish_cold(unreadable);
}

/// POP r16. POP SP overwrites the incremented pointer's low half.
void Translator::emit_pop_word() {
  save_flags();
  stack_slot(0);
  const asmjit::Label cold = probe(Access::Read, 2);
  const unsigned guest = insn_->dst / 8;
  a_.mov(kScratchB.r16(), x86::word_ptr(kScratchA));
  move_stack(2);
  if (kHostOf[guest] == kSpilled) {
    a_.mov(x86::word_ptr(kState, static_cast<i32>(8 * guest)), kScratchB.r16());
  } else {
    a_.mov(x86::gpw(kHostOf[guest]), kScratchB.r16());
  }
  flags_ = kFrame;
  finish_cold(cold);
}

/// The selector alone is written, into a whole slot.
void Translator::emit_push_segment() {
  const i32 size = static_cast<i32>(word());
  const size_t at =
      offsetof(CpuState, seg) + insn_->dst * sizeof(Segment) + offsetof(Segment, selector);
  release_flags();
  stack_slot(-size);
  const asmjit::Label cold = probe(Access::Write, 2);
  a_.mov(kScratchB.r16(), x86::word_ptr(kState, static_cast<i32>(at)));
  a_.mov(x86::word_ptr(kScratchA), kScratchB.r16());
  move_stack(-size);
  finish_cold(cold);
}

/// The new top of the stack must be writable too.
void Translator::emit_enter() {
  const i32 size = static_cast<i32>(word()), locals = static_cast<i32>(insn_->imm & 0xFFFF);
  save_flags();
  stack_slot(-size - locals);
  const asmjit::Label no_top = probe(Access::Write, word());
  stack_slot(-size);
  const asmjit::Label cold = probe(Access::Write, word());
  a_.mov(x86::ptr(kScratchA), sized(x86::rbp));
  a_.lea(sized(x86::rbp), x86::ptr(kGuestRsp, -size));
  move_stack(-size - locals);
  flags_ = kFrame;
  finish_cold(cold);
  finish_cold(no_top);
}

/// LOOP, LOOPE, LOOPNE, JECXZ, JRCXZ: without touching flags.
void Translator::emit_loop() {
  const u64 next = truncate(at_ + insn_->length), target = truncate(next + insn_->imm);
  if (!reachable(target)) return callout(true);
  const ZydisMnemonic m = d_.insn.mnemonic;
  const bool wide = insn_->address_width == 8;
  const bool counts = m != ZYDIS_MNEMONIC_JECXZ && m != ZYDIS_MNEMONIC_JRCXZ;
  const asmjit::Label zero = a_.newLabel(), not_zero = a_.newLabel();
  if (m == ZYDIS_MNEMONIC_LOOPE || m == ZYDIS_MNEMONIC_LOOPNE) need_flags();
  if (flags_ & kRecipe && recipe_.guests & 1u << kRcx) save_flags();
  const Flags flags{flags_, recipe_};
  if (counts) a_.lea(of_size(x86::rcx, insn_->address_width), x86::ptr(x86::rcx, -1));
  if (m == ZYDIS_MNEMONIC_LOOPE) a_.jnz(zero);
  if (m == ZYDIS_MNEMONIC_LOOPNE) a_.jz(zero);
  const asmjit::Label is_zero = a_.newLabel();
  if (wide) {
    a_.jecxz(x86::rcx, is_zero);
  } else {
    a_.jecxz(x86::ecx, is_zero);
  }
  a_.jmp(not_zero);
  a_.bind(is_zero);
  a_.bind(zero);
  exit_to(counts ? next : target);
  flags_ = flags.where;
  recipe_ = flags.recipe;
  a_.bind(not_zero);
  exit_to(counts ? target : next);
}

}  // namespace ring3::jit
