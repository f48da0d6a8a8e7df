// SPDX-License-Identifier: MIT
// The third copy of a block that jumps to its own start, for accesses that move by a constant a
// turn. They are probed once for as many turns as they stay in their pages; that many turns' worth
// of the budget is what the copy counts down, so it asks for nothing else. Whatever is not as
// foreseen goes on in the second copy (emit_loop.cpp).
//
// A group's slot in the frame holds the host address of its low end if it does not move; else what
// is to be added to a linear address, the base included if that stands still.
#include <bit>
#include <cstddef>

#include "core/simd_enable.h"
#include "jit/residency.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

/// Longer strides leave their page soon: a probe each turn is less than what that costs.
constexpr i64 kMaxStride = 128, kMaxSpan = 1024;
constexpr u32 kMaxInstructions = 4096;  ///< without a look at signals
/// Of a loop's turns one in this many tries the third copy: short loops would not win back what
/// the probes ahead cost.
constexpr u32 kTries = 8;

/// LEA needs no scratch register.
bool adds_host_registers(const Insn& insn) {
  const auto host = [](u8 guest) { return guest < 16 && kHostOf[guest] != kSpilled; };
  return host(insn.base) && (insn.index >= 16 || host(insn.index)) && insn.width != 2;
}

x86::Mem reserve() { return frame(offsetof(Frame, reserve)); }
x86::Mem budget() { return frame(offsetof(Frame, budget)); }

}  // namespace

/// Which groups are to be found that way. Members that must be aligned have to agree about how.
bool Translator::find_steady() {
  steady_ = {};
  bool any = false;
  for (u32 n = 0; n < c_.groups.size(); ++n) {
    const AccessGroup& g = c_.groups.group(n);
    Steady& s = steady_[n];
    s.on = g.steady && !g.based && std::abs(g.stride) <= kMaxStride && g.span <= kMaxSpan;
    if (g.base != kConstant || g.index != kConstant) s.on &= std::abs(g.low) < 0x7FFF'0000;
    s.folded = bits64() && g.stride != 0 && g.base != kConstant && g.index != kConstant;
  }
  u16 written = 0;
  for (const Decoded& d : c_.decoded) written |= written_guests(d);
  for (u32 i = 0; i < block_.insns.size(); ++i) {
    const u32 n = c_.groups.group_of(i);
    if (n == AccessGroups::kNone) continue;
    const Insn& insn = block_.insns[i];
    Steady& s = steady_[n];
    s.folded = s.folded && register_of(c_.groups.group(n).base) == insn.base &&
               !(written >> insn.base & 1) && kHostOf[insn.index] != kSpilled;
    const Stub* stub = host_stub(insn);
    if (stub && stub->align_mask) align_steady(n, i, stub->align_mask);
    any |= s.on;
  }
  return any;
}

/// Nothing in the block needs kScratchB: it counts. If all accesses are of one group, kScratchA
/// keeps its slot.
void Translator::find_quiet() {
  quiet_ = !record_;
  held_ = AccessGroups::kNone;
  bool one = true, flags_known = false;
  for (index_ = 0; index_ < block_.insns.size(); ++index_) {
    const Decoded& d = c_.decoded[index_];
    insn_ = &block_.insns[index_];
    const FlagUse use = flag_use(d);
    const Stub* stub = host_stub(*insn_);
    const bool control = !stub && needed_residents(*insn_);
    const bool x87 = stub && (stub->enable & (kEnableX87 | kEnableMmx));
    const bool lea = insn_->mnemonic == ZYDIS_MNEMONIC_LEA && !adds_host_registers(*insn_);
    quiet_ = quiet_ && !((named_guests(d) | written_guests(d)) & kInState) && !x87 && !control &&
             !lea && (flags_known || !use.reads || is_partial(recipe_of(index_).kind));
    flags_known |= use.writes && !use.reads;
    if (c_.treatments[index_] != Treatment::CopyMem) continue;
    quiet_ = quiet_ && finds_calmly();
    const u32 group = c_.groups.group_of(index_);
    one = one && (held_ == AccessGroups::kNone || held_ == group);
    held_ = group;
  }
  if (!quiet_ || !one) held_ = AccessGroups::kNone;
}

void Translator::align_steady(u32 group, u32 index, u32 mask) {
  Steady& s = steady_[group];
  const i32 offset = c_.groups.offset_of(index), bits = static_cast<i32>(mask);
  if (s.aligned.mask == 0) s.aligned = {mask, offset};
  s.on = s.on && s.aligned.mask == mask && ((offset - s.aligned.offset) & bits) == 0 &&
         (c_.groups.group(group).stride & bits) == 0;
}

bool Translator::is_steady(u32 index) const {
  if (!in_steady_) return false;
  const u32 group = c_.groups.group_of(index);
  return group != AccessGroups::kNone && steady_[group].on;
}

/// What the instruction's operand becomes, if find() is asked for it.
HostAddress Translator::host_address() const {
  if (!is_steady(index_)) return {.offset = group_offset()};
  const u32 n = c_.groups.group_of(index_);
  const i32 disp = static_cast<i32>(insn_->disp);
  switch (steady_form()) {
    case SteadyForm::Host:
      return {.offset = group_offset()};
    case SteadyForm::Indexed:
      if (steady_[n].folded || insn_->base >= 16)
        return {.offset = disp, .index = kHostOf[insn_->index], .scale = insn_->scale};
      return {.offset = disp, .index = kHostOf[insn_->base]};
    default:
      return {};
  }
}

Translator::SteadyForm Translator::steady_form() const {
  const u32 n = c_.groups.group_of(index_);
  if (c_.groups.group(n).stride == 0) return SteadyForm::Host;
  const bool base = insn_->base < 16, index = insn_->index < 16;
  if (!bits64()) return SteadyForm::Sum;
  if (steady_[n].folded) return SteadyForm::Indexed;
  if (base != index && kHostOf[base ? insn_->base : insn_->index] != kSpilled)
    return SteadyForm::Indexed;
  return SteadyForm::Sum;
}

/// kScratchA for host_address(). Flags are lost only by SteadyForm::Sum.
void Translator::steady_address() {
  const u32 n = c_.groups.group_of(index_);
  if (held_ == n) return;
  const x86::Mem slot = group_slot(n);
  if (steady_form() != SteadyForm::Sum) {
    a_.mov(kScratchA, slot);
    return;
  }
  effective_address(*memory_operand(d_));
  a_.add(kScratchA, slot);
}

/// `to` = the linear address of the group's low end, at a turn's start. Both scratch registers may
/// be lost, flags stay.
void Translator::address_of_group(const AccessGroup& g, x86::Gp to) {
  const x86::Gp sum = bits64() ? to : x86::Gp(to.r32());
  if (g.base == kConstant && g.index == kConstant) {
    a_.mov(sum, imm(truncate(static_cast<u64>(g.low))));
    return;
  }
  const i32 low = static_cast<i32>(g.low);
  const x86::Gp other = to == kScratchA ? kScratchB : kScratchA;
  if (g.index == kConstant) {
    a_.lea(sum, x86::ptr(guest_in(register_of(g.base), to), low));
    return;
  }
  const x86::Gp index = guest_in(register_of(g.index), other);
  if (g.base != kConstant) {
    a_.lea(sum, x86::ptr(guest_in(register_of(g.base), to), index, g.scale, low));
    return;
  }
  a_.lea(to, x86::ptr(u64{0}, index, g.scale));
  a_.lea(sum, x86::ptr(to, low));
}

void Translator::add_guest(x86::Gp to, unsigned guest) {
  if (kHostOf[guest] == kSpilled) {
    a_.add(to, gpr_home(guest));
  } else {
    a_.add(to, x86::gpq(kHostOf[guest]));
  }
}

/// The group's slot; Frame::reserve becomes no more than the turns after this one in which it stays
/// in the page.
void Translator::prepare_group(u32 n, asmjit::Label refused) {
  const AccessGroup& g = c_.groups.group(n);
  const Steady& s = steady_[n];
  address_of_group(g, kScratchA);
  if (s.aligned.mask) check_alignment(s.aligned.mask, s.aligned.offset, refused);
  probe(g.write ? Access::Write : Access::Read, g.span, 0, refused);
  if (g.stride == 0) {
    a_.mov(group_slot(n), kScratchA);
    return;
  }
  a_.mov(group_slot(n), kScratchA);
  address_of_group(g, kScratchB);
  a_.mov(kScratchA, group_slot(n));
  a_.sub(kScratchA, kScratchB);
  if (s.folded) add_guest(kScratchA, register_of(g.base));
  a_.mov(group_slot(n), kScratchA);
  a_.and_(kScratchB.r32(), imm(kPageMask));
  if (g.stride > 0) {
    a_.neg(kScratchB.r32());
    a_.add(kScratchB.r32(), imm(kPageSize - g.span));
  }
  divide_turns(static_cast<u32>(std::abs(g.stride)));
  a_.mov(kScratchA, reserve());
  a_.cmp(kScratchB, kScratchA);
  a_.cmovb(kScratchA, kScratchB);
  a_.mov(reserve(), kScratchA);
}

/// kScratchB, less than a page, is divided by the stride.
void Translator::divide_turns(u32 stride) {
  if (std::has_single_bit(stride)) {
    if (stride > 1) a_.shr(kScratchB.r32(), imm(std::countr_zero(stride)));
    return;
  }
  constexpr unsigned kShift = 24;  // exact: a page times the largest stride is less than 1 << 24
  static_assert(kPageSize * kMaxStride < u64{1} << kShift);
  a_.imul(kScratchB, kScratchB, imm((1u << kShift) / stride + 1));
  a_.shr(kScratchB, imm(kShift));
}

/// Frame::budget becomes what the turns may use, Frame::reserve keeps the rest. It must be more
/// than a turn's.
void Translator::share_budget() {
  const u32 count = static_cast<u32>(block_.insns.size());
  a_.mov(kScratchA, reserve());
  a_.imul(kScratchA, kScratchA, imm(count));
  a_.add(kScratchA, imm(count));
  a_.mov(kScratchB, budget());
  a_.sub(kScratchB, imm(1));  // none may be left: then it is time to leave
  a_.cmp(kScratchB, kScratchA);
  a_.cmovl(kScratchA, kScratchB);
  a_.mov(kScratchB, budget());
  a_.mov(budget(), kScratchA);
  a_.sub(kScratchB, kScratchA);
  a_.mov(reserve(), kScratchB);
}

/// The budget is whole again. Flags stay.
void Translator::join_budget() {
  a_.mov(kScratchA, reserve());
  if (!quiet_) a_.mov(kScratchB, budget());
  a_.lea(kScratchA, x86::ptr(kScratchA, kScratchB));
  a_.mov(budget(), kScratchA);
}

/// At the second copy's start, now and then: to the third. Flags are lost.
void Translator::try_steady() {
  if (!steady_entry_.isValid()) return;
  a_.sub(x86::byte_ptr(x86::rsp, offsetof(Frame, turns)), imm(256 / kTries));
  a_.jc(steady_entry_);
}

void Translator::emit_steady_entry() {
  const asmjit::Label again = a_.newLabel();
  const u32 count = static_cast<u32>(block_.insns.size());
  a_.bind(again);
  join_budget();
  a_.add(budget(), imm(count));
  a_.bind(steady_entry_);
  a_.cmp(budget(), imm(count));
  a_.jle(loop_entry_);
  a_.cmp(x86::dword_ptr(kState, c_.signals), imm(0));
  a_.jne(loop_entry_);
  a_.mov(reserve(), imm(kMaxInstructions / count));
  for (u32 n = 0; n < c_.groups.size(); ++n)
    if (steady_[n].on) prepare_group(n, loop_entry_);
  share_budget();
  if (quiet_) a_.mov(kScratchB, budget());
  hold();
  a_.bind(steady_top_);
  count_execution();
  if (quiet_) {
    a_.sub(kScratchB, imm(count));
  } else {
    a_.sub(budget(), imm(count));
  }
  a_.jl(again);
}

/// kScratchA = the slot that it keeps.
void Translator::hold() {
  if (quiet_ && held_ != AccessGroups::kNone) a_.mov(kScratchA, group_slot(held_));
}

void Translator::emit_third_copy() {
  if (!steady_entry_.isValid()) return;
  in_loop_ = false;
  in_steady_ = true;
  find_quiet();
  start_copy();
  emit_steady_entry();
  for (; index_ < block_.insns.size(); ++index_) translate_one();
  end_block();
  in_steady_ = quiet_ = false;
}

/// Behind a cold path of the third copy, where the handler ran: on in the second one.
void Translator::leave_steady(const Cold& cold) {
  for (const Cold& c : cold_) {
    if (!c.loop || c.steady || c.index != cold.index || !c.returns || c.loads) continue;
    if (c.flags_after & kInHost) restore_flags(kScratchA);
    a_.jmp(c.back);
    return;
  }
  needs_flags_ = true;
}

}  // namespace ring3::jit
