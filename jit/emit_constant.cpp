// SPDX-License-Identifier: MIT
// Where the TLB's entry stands, and probes for addresses that are the same each time (RIP-relative,
// or a displacement alone): all but the entry's place is known when they are translated.
#include <cstddef>

#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

/// The view that the code runs in, most likely. With less rights it finds what is true in any case.
View Translator::likely_view() const {
  if (block_.key & kUserCode) return View::User;
  for (u32 n = index_; n-- > 0;) {
    const ZydisMnemonic mnemonic = c_.decoded[n].insn.mnemonic;
    if (mnemonic == ZYDIS_MNEMONIC_CLAC) return View::Supervisor;
    if (mnemonic == ZYDIS_MNEMONIC_STAC) return View::SupervisorAc;
  }
  return c_.cpu.state.has(flag::AC) ? View::SupervisorAc : View::Supervisor;
}

/// Where the table stands that the next probe looks in; 0: where the active window says.
i32 Translator::fixed_table() const {
  const View view = likely_view();
  return view == View::SupervisorAc ? 0 : c_.tables[static_cast<size_t>(view)];
}

/// kScratchB = the entry, from the linear address shifted by TlbWindow::kShift; less what
/// tlb_entry() adds.
void Translator::find_tlb_entry() {
  if (fixed_table() != 0) {
    const size_t at = static_cast<size_t>(likely_view()) * sizeof(TlbWindow);
    a_.and_(kScratchB, state64(c_.views + static_cast<i32>(at + offsetof(TlbWindow, mask))));
    return;
  }
  a_.and_(kScratchB, state64(c_.window + static_cast<i32>(offsetof(TlbWindow, mask))));
  a_.add(kScratchB, state64(c_.window + static_cast<i32>(offsetof(TlbWindow, base))));
}

x86::Mem Translator::tlb_entry(size_t field) const {
  return x86::qword_ptr(kScratchB, static_cast<i32>(field) + fixed_table());
}

/// The memory operand's address is.
bool Translator::is_constant() const {
  return insn_->base >= 16 && insn_->index >= 16 && is_flat(insn_->segment);
}

u64 Translator::constant_address(i32 shift) const {
  const bool relative = insn_->base == CpuState::kRipSlot;
  const u64 at = (relative ? at_ + insn_->length : 0) + static_cast<u64>(insn_->disp + shift);
  return insn_->address_width == 8 ? at : at & 0xFFFFFFFF;
}

/// Behind kScratchA as probe_constant() leaves it for a folded address.
i32 Translator::constant_offset(u64 at) {
  const i32 whole = static_cast<i32>(at);
  return static_cast<i64>(at) == whole ? whole : static_cast<i32>(at & kPageMask);
}

/// kScratchA = the host address of `at`, less constant_offset() if that is folded into a
/// displacement.
void Translator::probe_constant(u64 at, size_t tag, asmjit::Label cold) {
  constexpr u64 kEntries = (Tlb::kMaxEntries - 1) * sizeof(TlbEntry);
  const i64 page = static_cast<i64>(at & ~kPageMask);
  const x86::Mem delta = tlb_entry(offsetof(TlbEntry, delta));
  a_.mov(kScratchB.r32(), imm(at >> TlbWindow::kShift & kEntries));
  find_tlb_entry();
  if (page == static_cast<i32>(page)) {
    a_.cmp(tlb_entry(tag), imm(page));
    a_.jne(cold);
    a_.mov(kScratchA, delta);
  } else {
    a_.mov(kScratchA, imm(page));
    a_.cmp(kScratchA, tlb_entry(tag));
    a_.jne(cold);
    a_.add(kScratchA, delta);
  }
  if (!folded_) a_.add(kScratchA, imm(constant_offset(at)));
}

}  // namespace ring3::jit
