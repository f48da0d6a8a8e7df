// SPDX-License-Identifier: MIT
// Effective addresses, the inline TLB probe (mmu/tlb.h) and the cold paths behind it.
#include "jit/reencode.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

/// The register that holds a guest register; a spilled one is loaded into `scratch`.
x86::Gp Translator::guest_in(unsigned guest, x86::Gp scratch) {
  if (kHostOf[guest] != kSpilled) return x86::gpq(kHostOf[guest]);
  a_.mov(scratch, gpr_home(guest));
  return scratch;
}

/// kScratchA = the linear address. Flags are lost.
void Translator::effective_address(const ZydisDecodedOperand& op) {
  const i64 disp = insn_->disp;
  const bool base = insn_->base < 16, index = insn_->index < 16;
  if (insn_->base == CpuState::kRipSlot) {
    a_.mov(kScratchA, imm(at_ + insn_->length + static_cast<u64>(disp)));
  } else if (!base && !index) {
    a_.mov(kScratchA, imm(disp));
  } else if (!index) {
    a_.lea(kScratchA, x86::ptr(guest_in(insn_->base, kScratchA), static_cast<i32>(disp)));
  } else {
    const x86::Gp i = guest_in(insn_->index, kScratchB);
    if (base) {
      const x86::Gp b = guest_in(insn_->base, kScratchA);
      a_.lea(kScratchA, x86::ptr(b, i, insn_->scale, static_cast<i32>(disp)));
    } else {
      a_.mov(kScratchA, i);
      if (insn_->scale) a_.shl(kScratchA, imm(insn_->scale));
      a_.lea(kScratchA, x86::ptr(kScratchA, static_cast<i32>(disp)));
    }
  }
  const u8 seg = insn_->segment;
  if (seg != kFs && seg != kGs) return;
  const size_t at =
      offsetof(CpuState, seg) + seg * sizeof(Segment) + offsetof(Segment, access_base);
  a_.add(kScratchA, state64(static_cast<i32>(at)));
  (void)op;
}

/// kScratchA: linear address -> host address. Flags and kScratchB are lost. On a miss the cold path
/// calls the handler instead.
asmjit::Label Translator::probe(Access access, unsigned size) {
  const asmjit::Label cold = a_.newLabel();
  const size_t tag =
      access == Access::Write ? offsetof(TlbEntry, write_tag) : offsetof(TlbEntry, read_tag);
  const i32 tag_at = static_cast<i32>(tag);
  const i32 window = c_.window;
  a_.mov(kScratchB, kScratchA);
  a_.shr(kScratchB, imm(TlbWindow::kShift));
  a_.and_(kScratchB, state64(window + static_cast<i32>(offsetof(TlbWindow, mask))));
  a_.add(kScratchB, state64(window + static_cast<i32>(offsetof(TlbWindow, base))));
  a_.xor_(kScratchA, x86::qword_ptr(kScratchB, tag_at));
  a_.cmp(kScratchA, imm(kPageSize - size));
  a_.ja(cold);
  a_.xor_(kScratchA, x86::qword_ptr(kScratchB, tag_at));
  a_.add(kScratchA, x86::qword_ptr(kScratchB, static_cast<i32>(offsetof(TlbEntry, addend))));
  return cold;
}

/// The instruction's handler in place of its hot path, which ends here.
void Translator::finish_cold(asmjit::Label cold) {
  const asmjit::Label back = a_.newLabel();
  a_.bind(back);
  cold_.push_back({cold, back, index_, flags_, true});
}

/// A cold path of the block's last instruction: does not come back.
asmjit::Label Translator::cold_path(bool returns) {
  const asmjit::Label cold = a_.newLabel();
  cold_.push_back({cold, {}, index_, kFrame, returns});
  return cold;
}

void Translator::emit_cold() {
  for (const Cold& cold : cold_) {
    a_.bind(cold.label);
    mark(static_cast<u8>(cold.index), true);
    call_handler(cold.index, !cold.returns);
    if (!cold.returns) continue;
    if (cold.flags_after & kHost) restore_flags(kScratchA);
    a_.jmp(cold.back);
  }
}

}  // namespace ring3::jit
