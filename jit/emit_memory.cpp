// SPDX-License-Identifier: MIT
// Effective addresses, the inline TLB probe (mmu/tlb.h) and the cold paths behind it.
#include <cstdlib>
#include <utility>

#include "core/simd_enable.h"
#include "jit/reencode.h"
#include "jit/residency.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

/// The register that holds a guest register; a spilled one is loaded into `scratch`.
x86::Gp Translator::guest_in(unsigned guest, x86::Gp scratch) {
  if (kHostOf[guest] != kSpilled) return x86::gpq(kHostOf[guest]);
  a_.mov(scratch, gpr_home(guest));
  return scratch;
}

/// The memory operand's offset in its segment, into a 32- or 64-bit register. Keeps flags; scratch
/// registers are lost.
void Translator::address_in_segment(x86::Gp to, i32 shift) {
  const bool wide = to.size() == 8;
  const auto constant = [&](u64 value) { a_.mov(to, imm(wide ? value : value & 0xFFFFFFFF)); };
  const bool base = insn_->base < 16, index = insn_->index < 16;
  const i32 disp = static_cast<i32>(insn_->disp) + shift;
  if (insn_->base == CpuState::kRipSlot)
    return constant(at_ + insn_->length + static_cast<u64>(insn_->disp + shift));
  if (!base && !index) return constant(static_cast<u64>(insn_->disp + shift));
  if (!index) {
    const x86::Gp b = guest_in(insn_->base, kScratchA);
    if (disp != 0) {
      a_.lea(to, x86::ptr(b, disp));
    } else if (b.id() != to.id() || !wide) {
      a_.mov(to, wide ? x86::Gp(b.r64()) : x86::Gp(b.r32()));
    }
    return;
  }
  const x86::Gp i = guest_in(insn_->index, kScratchB);
  if (base) {
    const x86::Gp b = guest_in(insn_->base, kScratchA);
    a_.lea(to, x86::ptr(b, i, insn_->scale, disp));
    return;
  }
  a_.lea(kScratchA, x86::ptr(u64{0}, i, insn_->scale));
  a_.lea(to, x86::ptr(kScratchA, disp));
}

/// kScratchA = the linear address `shift` bytes from the operand. Flags and kScratchB are lost.
void Translator::effective_address(const ZydisDecodedOperand& op, i32 shift) {
  (void)op;
  address_in_segment(insn_->address_width == 8 ? x86::Gp(kScratchA) : x86::Gp(kScratchA.r32()),
                     shift);
  add_segment(insn_->segment);
  line_ = line_of(*insn_, block_.key & kUserCode);
}

/// Its base is 0.
bool Translator::is_flat(u8 seg) const {
  return seg == kDs || seg == kEs || seg == kSs || (bits64() && seg == kCs);
}

/// kScratchA += the segment's base. Flags are lost.
void Translator::add_segment(u8 seg) {
  if (is_flat(seg)) return;
  const size_t at =
      offsetof(CpuState, seg) + seg * sizeof(Segment) + offsetof(Segment, access_base);
  const x86::Mem segment_base = state64(static_cast<i32>(at));
  if (bits64()) {
    a_.add(kScratchA, segment_base);
    return;
  }
  a_.add(kScratchA.r32(), x86::dword_ptr(kState, static_cast<i32>(at)));
  checked_segment_ = seg;
}

/// kScratchA: linear address -> host address. Flags and kScratchB are lost. On a miss the cold path
/// calls the handler instead.
asmjit::Label Translator::probe(Access access, unsigned size, u32 align_mask) {
  const asmjit::Label cold = a_.newLabel();
  probe(access, size, align_mask, cold);
  cold_flags_ = without_host();
  return cold;
}

void Translator::probe(Access access, unsigned size, u32 align_mask, asmjit::Label cold) {
  const Again again = std::exchange(again_, {});
  const bool by_delta = std::exchange(by_delta_, false);
  const bool write = access == Access::Write;
  const size_t tag = write ? offsetof(TlbEntry, write_tag) : offsetof(TlbEntry, read_tag);
  if (checked_segment_ != kNoSegment) {
    const size_t flat = offsetof(CpuState, seg) + checked_segment_ * sizeof(Segment) +
                        (write ? offsetof(Segment, flat_write) : offsetof(Segment, flat_read));
    a_.cmp(x86::byte_ptr(kState, static_cast<i32>(flat)), imm(0));
    a_.je(cold);
    checked_segment_ = kNoSegment;
  }
  if (const Line line = std::exchange(line_, kNoLine); line != kNoLine && size <= kMaxLineSize) {
    probe_line(line, access, size, cold);
    return check_alignment(align_mask, 0, cold);
  }
  if (const auto at = std::exchange(constant_, std::nullopt)) {
    if ((*at & align_mask) || (*at & kPageMask) + size > kPageSize) a_.jmp(cold);
    return probe_constant(*at, tag, cold);
  }
  // The base's page is likely the operand's, and known earlier.
  const bool by_base = by_base_ && by_delta && insn_->base < 16 && insn_->index >= 16 &&
                       insn_->disp != 0 && std::abs(insn_->disp) < i64{kPageSize};
  const x86::Gp from = by_base ? x86::gpq(kHostOf[insn_->base]) : kScratchA;
  if (by_base) {
    second_probes_.push_back(
        {a_.newLabel(), a_.newLabel(), cold, index_, at_, access, size, align_mask});
    cold = second_probes_.back().label;
  }
  if (c_.bmi2) {
    a_.rorx(kScratchB, from, imm(TlbWindow::kShift));
  } else {
    a_.mov(kScratchB, from);
    a_.shr(kScratchB, imm(TlbWindow::kShift));
  }
  find_tlb_entry();
  a_.xor_(kScratchA, tlb_entry(tag));
  if (align_mask) {  // what is aligned crosses no page
    a_.test(kScratchA, imm(-static_cast<i32>(kPageSize) | static_cast<i32>(align_mask)));
    a_.jnz(cold);
  } else {
    a_.cmp(kScratchA, imm(kPageSize - size));
    a_.ja(cold);
  }
  const x86::Mem delta = tlb_entry(offsetof(TlbEntry, delta));
  if (by_delta) {
    a_.mov(kScratchA, delta);
    if (by_base) a_.bind(second_probes_.back().back);
    if (insn_->base < 16 && insn_->index < 16) address_in_segment(kScratchB);
    return;
  }
  if (again.possible) {
    address_of(again.operand, again.shift);
    line_ = kNoLine;
  } else {
    a_.xor_(kScratchA, tlb_entry(tag));
  }
  a_.add(kScratchA, delta);
}

/// What the next probe asks for can be computed once more while kScratchB is in use: the way to the
/// host address is then shorter than by the tag.
void Translator::note_address(const Operand& operand, i32 shift) {
  const bool scratch = insn_->index < 16 && kHostOf[insn_->index] == kSpilled;
  again_ = {operand.base.isValid() || (is_flat(insn_->segment) && !scratch), operand, shift};
}

/// The operand is of host registers: the access itself may add them to a constant. Not both with a
/// constant: their sum goes to kScratchB, if nobody else needs that.
bool Translator::adds_itself() const {
  const auto in_host = [](u8 guest) { return guest >= 16 || kHostOf[guest] != kSpilled; };
  const bool base = insn_->base < 16, index = insn_->index < 16;
  if (!bits64() || insn_->address_width != 8 || !(base || index) || !is_flat(insn_->segment) ||
      !in_host(insn_->base) || !in_host(insn_->index) || insn_->locked() || wants_alignment(d_) ||
      line_of(*insn_, block_.key & kUserCode) != kNoLine || finds_in_group())
    return false;
  const Stub* stub = host_stub(*insn_);
  const bool x87 = stub && (stub->enable & (kEnableX87 | kEnableMmx));
  return !(base && index) || !(x87 || named_guests(d_) & kInState || flag_use(d_).reads);
}

HostAddress Translator::own_address() const {
  const bool base = insn_->base < 16;
  if (base && insn_->index < 16) return {.offset = 0, .index = static_cast<u8>(kScratchB.id())};
  return {.offset = static_cast<i32>(insn_->disp),
          .index = kHostOf[base ? insn_->base : insn_->index],
          .scale = base ? u8{0} : insn_->scale};
}

/// The instruction's handler in place of its hot path, which ends here.
void Translator::finish_cold(asmjit::Label cold) {
  if (!cold.isValid()) return;
  const asmjit::Label back = a_.newLabel();
  a_.bind(back);
  cold_.push_back({cold, back, index_, cold_flags_, flags_, true, simd_});
  cold_.back().loop = in_loop_ || in_steady_;
  cold_.back().steady = in_steady_;
}

/// The handler of the block's last instruction: does not come back. Flags as before the last probe.
asmjit::Label Translator::cold_path(bool returns) {
  const asmjit::Label cold = a_.newLabel();
  cold_.push_back({cold, {}, index_, cold_flags_, kFrame, returns});
  return cold;
}

/// The operand is in another page than its base.
void Translator::emit_second_probes() {
  by_base_ = false;
  for (const SecondProbe& p : second_probes_) {
    go_to(p.index, p.at);
    a_.bind(p.label);
    mark(static_cast<u8>(p.index), true);
    effective_address(*memory_operand(d_));
    by_delta_ = true;
    probe(p.access, p.size, p.align_mask, p.cold);
    a_.jmp(p.back);
  }
  by_base_ = true;
}

void Translator::emit_cold() {
  for (const Rest& rest : rests_) emit_rest(rest);
  emit_alone_probes();
  emit_cold_runs();
  emit_range_misses();
  emit_second_probes();
  for (const Cold& cold : cold_) {
    a_.bind(cold.label);
    mark(static_cast<u8>(cold.index), true);
    put_flags(cold.before);
    write_x87_pointers(cold.simd);
    if (cold.steady) join_budget();
    if (cold.rest) {
      call_rest(cold.index);
      continue;
    }
    if (cold.loads) {
      load_or_interpret(cold.loads, cold.index);
    } else {
      call_handler(cold.index, !cold.returns);
      if (!cold.returns) continue;
      forget_groups(cold.index, cold.loop);
      reload_residents(cold);
    }
    if (cold.steady) {
      leave_steady(cold);
      continue;
    }
    if (cold.flags_after & kInHost) restore_flags(kScratchA);
    a_.jmp(cold.back);
  }
  emit_line_misses();
}

}  // namespace ring3::jit
