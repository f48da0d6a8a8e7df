// SPDX-License-Identifier: MIT
// Accesses that share a probe (access_groups.h). The first of a group probes for the range of all
// and keeps its host address in the frame. 0 stands there instead where the range is not in one
// page or not in the TLB, and after a handler ran, which may have changed what is mapped: then each
// access probes for itself, out of line.
#include <cstddef>

#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

x86::Mem group_slot(u32 group) {
  return frame(offsetof(Frame, groups) + sizeof(Frame::groups[0]) * group);
}
static_assert(std::size(Frame{}.groups) == AccessGroups::kMaxGroups);

/// The access probes for itself.
bool Translator::is_alone(u32 group) const {
  return in_run_ || group == AccessGroups::kNone ||
         (c_.groups.group(group).members < 2 && !in_loop_ && !is_steady(index_));
}

/// Of the instruction's memory operand, in what find() will say.
i32 Translator::group_offset() const {
  if (!is_alone(c_.groups.group_of(index_))) return c_.groups.offset_of(index_);
  return is_constant() ? constant_offset(constant_address()) : 0;
}

/// kScratchA = the linear address `shift` bytes from the operand, for the probe that follows.
void Translator::address_of(const Operand& operand, i32 shift) {
  if (!operand.base.isValid()) {
    if (!is_constant()) return effective_address(*memory_operand(d_), shift);
    constant_ = constant_address(shift);
    return;
  }
  const i32 offset = operand.offset + shift;
  if (offset != 0) {
    a_.lea(sized(kScratchA), x86::ptr(operand.base, offset));
  } else {
    a_.mov(sized(kScratchA), sized(operand.base));
  }
  if (operand.base == kGuestRsp) line_ = kStackLine;
}

/// Its host address comes from a group's slot, or goes there.
bool Translator::finds_in_group() const {
  return is_steady(index_) || !is_alone(c_.groups.group_of(index_));
}

/// kScratchA + the place's offset = the operand's host address. Flags and kScratchB are lost. One
/// access of an instruction may ask this way. No cold path: it cannot fail.
Translator::Place Translator::find(const Operand& operand) {
  if (is_steady(index_)) {
    steady_address();
    return {};
  }
  const u32 group = c_.groups.group_of(index_);
  if (is_alone(group)) {
    address_of(operand, 0);
    note_address(operand, 0);
    folded_ = constant_.has_value();
    const i32 offset = folded_ ? constant_offset(*constant_) : 0;
    const asmjit::Label cold = a_.newLabel();
    if (!probe_range(operand.access, operand.size, operand.align_mask, cold))
      probe(operand.access, operand.size, operand.align_mask, cold);
    cold_flags_ = without_host();
    folded_ = false;
    return {cold, offset};
  }
  const AccessGroup& g = c_.groups.group(group);
  const i32 offset = c_.groups.offset_of(index_);
  const asmjit::Label cold = a_.newLabel(), alone = a_.newLabel(), back = a_.newLabel();
  const bool first = !started_[group], kept = in_loop_ && g.fixed();
  started_[group] = true;
  if (first && !kept) {
    address_of(operand, -offset);
    note_address(operand, -offset);
    const Access access = g.write ? Access::Write : Access::Read;
    if (!probe_range(access, g.span, 0, alone)) probe(access, g.span, 0, alone);
    a_.mov(group_slot(group), kScratchA);
  } else {
    a_.mov(kScratchA, group_slot(group));
    a_.test(kScratchA, kScratchA);
    a_.jz(alone);
  }
  a_.bind(back);
  check_in_group(group, operand.align_mask, offset, cold);
  cold_flags_ = without_host();
  alone_.push_back({alone, back, cold, operand, index_, at_, offset, first, kept});
  return {cold, offset};
}

/// Not again what follows from an operand checked before.
void Translator::check_in_group(u32 group, u32 mask, i32 offset, asmjit::Label cold) {
  Aligned& known = aligned_[group];
  if (known.mask >= mask && ((offset - known.offset) & static_cast<i32>(mask)) == 0) return;
  check_alignment(mask, offset, cold);
  known = {mask, offset};
}

void Translator::check_alignment(u32 mask, i32 offset, asmjit::Label cold) {
  if (mask == 0) return;
  x86::Gp address = kScratchA;
  if (static_cast<u32>(offset) & mask) {
    a_.lea(kScratchB, x86::ptr(kScratchA, offset));
    address = kScratchB;
  }
  a_.test(address.r32(), imm(mask));
  a_.jnz(cold);
}

void Translator::emit_alone_probes() {
  for (const AloneProbe& p : alone_) {
    index_ = p.index;
    insn_ = &block_.insns[index_];
    d_ = c_.decoded[index_];
    at_ = p.at;
    a_.bind(p.label);
    mark(static_cast<u8>(index_), true);
    if (p.first) start_alone(p);
    address_of(p.operand, 0);
    probe(p.operand.access, p.operand.size, p.operand.align_mask, p.cold);
    if (p.offset != 0) a_.lea(kScratchA, x86::ptr(kScratchA, -p.offset));
    a_.jmp(p.back);
  }
}

/// The group has no host address yet, in a loop that would keep it; or cannot have one.
void Translator::start_alone(const AloneProbe& p) {
  const u32 group = c_.groups.group_of(index_);
  const AccessGroup& g = c_.groups.group(group);
  if (!p.kept) {
    a_.mov(group_slot(group), imm(0));
    return;
  }
  const asmjit::Label refused = a_.newLabel();
  address_of(p.operand, -p.offset);
  probe(g.write ? Access::Write : Access::Read, g.span, 0, refused);
  a_.mov(group_slot(group), kScratchA);
  a_.jmp(p.back);
  a_.bind(refused);
}

/// A handler ran in place of the instruction: what groups know may not hold any more.
void Translator::forget_groups(u32 index, bool loop) {
  for (u32 n = 0; n < c_.groups.size(); ++n)
    if (is_open(n, index) || (loop && c_.groups.group(n).fixed())) a_.mov(group_slot(n), imm(0));
}

void Translator::forget_fixed_groups() {
  for (u32 n = 0; n < c_.groups.size(); ++n)
    if (c_.groups.group(n).fixed()) a_.mov(group_slot(n), imm(0));
}

}  // namespace ring3::jit
