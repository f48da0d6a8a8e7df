// SPDX-License-Identifier: MIT
// Integer instructions that need a check or an address of their own: DIV and IDIV (#DE), bit
// strings, XLAT, MOV from a segment register.
#include <bit>
#include <cstddef>

#include "jit/forms.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

bool Translator::emit_misc() {
  if (is_bit_string(d_)) return emit_bit_string(), true;
  switch (d_.insn.mnemonic) {
    case ZYDIS_MNEMONIC_DIV:
      return emit_divide(false), true;
    case ZYDIS_MNEMONIC_IDIV:
      return emit_divide(true), true;
    case ZYDIS_MNEMONIC_XLAT:
      return emit_xlat(), true;
    case ZYDIS_MNEMONIC_MOV:
      return emit_mov_from_segment(), true;
    default:
      return false;
  }
}

/// A guest register by its slot, AH to BH too; bits above its width are anything. Flags are lost.
void Translator::load_register(x86::Gp to, RegSlot slot) {
  const x86::Gp from = guest_in(slot / 8u, to);
  if (from != to) a_.mov(to, from);
  if (slot & 1) a_.shr(to.r32(), imm(8));
}

/// DIV overflows if the high half is not below the divisor, 0 included.
void Translator::check_unsigned(unsigned width, asmjit::Label overflow) {
  if (width == 1) {
    a_.mov(kScratchB.r32(), x86::eax);
    a_.shr(kScratchB.r32(), imm(8));
    a_.cmp(kScratchB.r8(), kScratchA.r8());
  } else {
    a_.cmp(of_size(x86::rdx, width), of_size(kScratchA, width));
  }
  a_.jae(overflow);
}

/// IDIV cannot overflow if the dividend is a sign-extended low half and the divisor neither 0 nor
/// -1; the handler sees to the others.
void Translator::check_signed(unsigned width, asmjit::Label overflow) {
  const x86::Gp b = kScratchB;
  switch (width) {
    case 1:
      a_.movsx(b.r32(), x86::al);
      a_.cmp(b.r16(), x86::ax);
      break;
    case 2:
      a_.movsx(b.r32(), x86::ax);
      a_.sar(b.r32(), imm(31));
      a_.cmp(b.r16(), x86::dx);
      break;
    default:
      a_.mov(b, x86::rax);
      a_.sar(of_size(b, width), imm(8 * width - 1));
      a_.cmp(of_size(b, width), of_size(x86::rdx, width));
  }
  a_.jne(overflow);
  a_.lea(b, x86::ptr(kScratchA, 1));
  a_.cmp(of_size(b, width), imm(1));
  a_.jbe(overflow);
}

/// Leaves the flags, which the manual calls undefined, as they were: so does the handler.
void Translator::emit_divide(bool is_signed) {
  const unsigned width = insn_->width;
  const bool memory = insn_->kinds[0] == Kind::Mem;
  save_flags();
  asmjit::Label cold;
  if (memory) {
    effective_address(d_.operands[0]);
    cold = probe(Access::Read, width);
    a_.mov(of_size(kScratchA, width), x86::ptr(kScratchA));
  } else {
    load_register(kScratchA, insn_->dst);
  }
  const asmjit::Label overflow = a_.newLabel();
  if (is_signed) {
    check_signed(width, overflow);
    a_.idiv(of_size(kScratchA, width));
  } else {
    check_unsigned(width, overflow);
    a_.div(of_size(kScratchA, width));
  }
  flags_ = kFrame;
  finish_cold(overflow);
  if (memory) finish_cold(cold);
}

/// kScratchB = the signed number of operands that the bit offset is away.
void Translator::bit_string_words() {
  const unsigned width = insn_->width, guest = insn_->src / 8u;
  const x86::Gp from = guest_in(guest, kScratchB);
  if (width == 8) {
    if (from != kScratchB) a_.mov(kScratchB, from);
  } else if (width == 4) {
    a_.movsxd(kScratchB, from.r32());
  } else {
    a_.movsx(kScratchB, from.r16());
  }
  a_.sar(kScratchB, imm(3 + std::countr_zero(width)));
}

/// The host finds the operand by the same rule, from where the probed operand would be at offset 0.
void Translator::emit_bit_string() {
  const unsigned width = insn_->width;
  const u32 scale = static_cast<u32>(std::countr_zero(width));
  const bool write = d_.insn.mnemonic != ZYDIS_MNEMONIC_BT;
  save_flags();
  effective_address(d_.operands[0]);
  bit_string_words();
  a_.lea(sized(kScratchA), x86::ptr(kScratchA, kScratchB, scale));
  const asmjit::Label cold = probe(write ? Access::Write : Access::Read, width);
  if (insn_->locked()) refuse_misaligned(width, cold);
  bit_string_words();
  a_.neg(kScratchB);
  a_.lea(kScratchA, x86::ptr(kScratchA, kScratchB, scale));
  lose_host();
  need_flags(~u32{0}, kScratchB);
  const x86::Gp offset = of_size(guest_in(insn_->src / 8u, kScratchB), width);
  const x86::Mem base = x86::ptr(kScratchA);
  if (insn_->locked()) a_.lock();
  switch (d_.insn.mnemonic) {
    case ZYDIS_MNEMONIC_BT:
      a_.bt(base, offset);
      break;
    case ZYDIS_MNEMONIC_BTS:
      a_.bts(base, offset);
      break;
    case ZYDIS_MNEMONIC_BTR:
      a_.btr(base, offset);
      break;
    default:
      a_.btc(base, offset);
  }
  flags_ = kHost;
  finish_cold(cold);
}

/// Host addresses have the alignment of linear ones: pages start at pages. Flags are lost.
void Translator::refuse_misaligned(unsigned size, asmjit::Label cold) {
  if (size == 1) return;
  a_.test(kScratchA.r8(), imm(size - 1));
  a_.jnz(cold);
}

void Translator::emit_xlat() {
  save_flags();
  a_.movzx(kScratchB.r32(), x86::al);
  a_.lea(sized(kScratchA), x86::ptr(x86::rbx, kScratchB));
  add_segment(insn_->segment);
  const asmjit::Label cold = probe(Access::Read, 1);
  a_.mov(x86::al, x86::byte_ptr(kScratchA));
  flags_ = kFrame;
  finish_cold(cold);
}

/// Memory and 16-bit registers take 16 bits, wider registers are zero-extended.
void Translator::emit_mov_from_segment() {
  const size_t at = offsetof(CpuState, seg) + insn_->src * sizeof(Segment);
  const x86::Mem selector =
      x86::word_ptr(kState, static_cast<i32>(at + offsetof(Segment, selector)));
  if (insn_->src > kGs) return callout(false);
  if (insn_->kinds[0] == Kind::Mem) {
    save_flags();
    effective_address(d_.operands[0]);
    const asmjit::Label cold = probe(Access::Write, 2);
    a_.mov(kScratchB.r16(), selector);
    a_.mov(x86::word_ptr(kScratchA), kScratchB.r16());
    flags_ = kFrame;
    return finish_cold(cold);
  }
  const unsigned guest = insn_->dst / 8;
  a_.movzx(kScratchA.r32(), selector);
  const x86::Gp value = insn_->width == 2 ? kScratchA.r16() : kScratchA;
  if (kHostOf[guest] == kSpilled) {
    a_.mov(x86::ptr(kState, static_cast<i32>(8 * guest)), value);
  } else {
    a_.mov(of_size(x86::gpq(kHostOf[guest]), insn_->width == 2 ? 2 : 8), value);
  }
}

}  // namespace ring3::jit
