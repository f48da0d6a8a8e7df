// SPDX-License-Identifier: MIT
// Accesses of supervisor code where RAM is mapped to its own address (mmu/identity_ranges.h): one
// comparison, and the access has the host's displacement in place of its own. Which slot is asked
// follows from where the access will be when the block is translated; what is not there looks in
// the TLB, out of line.
#include "jit/address_guess.h"
#include "jit/reencode.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

void Translator::guess_addresses() {
  c_.guesses.clear();
  if (!bits64() || user() || !c_.cpu.mmu.ranges().any()) return;
  AddressGuess(c_.cpu, rip_).follow(c_.decoded, block_.insns, c_.guesses);
}

/// A slot where the instruction's memory operand will likely be.
std::optional<u32> Translator::range_slot(bool write) {
  if (c_.guesses.empty()) return std::nullopt;
  const std::optional<u32> slot = c_.cpu.mmu.ranges().slot_for(c_.guesses[index_], write);
  if (slot) t_->ranges |= 1u << *slot;
  return slot;
}

/// To be compared with an address less the slot's start.
x86::Mem Translator::range_room(u32 slot) const {
  return state64(c_.ranges + static_cast<i32>(slot * sizeof(u64)));
}

/// The operand is of host registers alone and no other access shares its probe.
bool Translator::may_stand_in_range() const {
  const auto in_host = [](u8 guest) { return guest >= 16 || kHostOf[guest] != kSpilled; };
  const auto fits = [&](i64 more) {
    return insn_->disp + more == static_cast<i32>(insn_->disp + more);
  };
  const bool base = insn_->base < 16, index = insn_->index < 16;
  return insn_->address_width == 8 && (base || index) && is_flat(insn_->segment) &&
         in_host(insn_->base) && in_host(insn_->index) && !wants_alignment(d_) &&
         !finds_in_group() && fits(c_.cpu.mmu.ranges().delta()) &&
         fits(-static_cast<i64>(IdentityRanges::kEnd));
}

HostAddress Translator::range_address() const {
  const auto host = [](u8 guest) { return guest < 16 ? kHostOf[guest] : kNoGuest; };
  return {.offset = static_cast<i32>(insn_->disp + c_.cpu.mmu.ranges().delta()),
          .index = host(insn_->index),
          .scale = insn_->scale,
          .base = host(insn_->base)};
}

/// False, with nothing emitted: copy() has to do it.
bool Translator::copy_in_range() {
  if (c_.guesses.empty() || !may_stand_in_range()) return false;
  const ZydisDecodedOperand& op = *memory_operand(d_);
  std::array<u8, 16> places;
  std::copy(std::begin(kHostOf), std::end(kHostOf), places.begin());
  if (op.size == 0 || op.size > 128 || !place_spilled(places, true)) return false;
  const bool write = op.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
  const HostCode code = reencode(d_, places, true, range_address());
  const std::optional<u32> slot = code.length != 0 ? range_slot(write) : std::nullopt;
  if (!slot) return false;
  const FlagUse use = use_of_flags();
  make_way(use, false);
  cold_flags_ = without_host();
  const RangeMiss miss{.label = a_.newLabel(),
                       .back = a_.newLabel(),
                       .cold = a_.newLabel(),
                       .index = index_,
                       .at = at_,
                       .access = write ? Access::Write : Access::Read,
                       .size = op.size / 8u,
                       .in_place = true,
                       .flags = {flags_, recipe_},
                       .simd = simd_};
  address_in_segment(kScratchA, -static_cast<i32>(c_.cpu.mmu.ranges().start(*slot)));
  a_.cmp(kScratchA, range_room(*slot));
  a_.jae(miss.label);
  range_misses_.push_back(miss);
  run_code(code, places, use);
  a_.bind(miss.back);
  finish_cold(miss.cold);
  return true;
}

/// As probe() of the instruction's memory operand. False, with nothing emitted: not this way.
bool Translator::probe_range(Access access, unsigned size, u32 align_mask, asmjit::Label cold) {
  if (constant_ || by_delta_ || line_ != kNoLine || size > IdentityRanges::kMaxAccess) return false;
  const std::optional<u32> slot = range_slot(access == Access::Write);
  if (!slot) return false;
  again_ = {};
  const RangeMiss miss{.label = a_.newLabel(),
                       .back = a_.newLabel(),
                       .cold = cold,
                       .index = index_,
                       .at = at_,
                       .access = access,
                       .size = size,
                       .align_mask = align_mask};
  const IdentityRanges& ranges = c_.cpu.mmu.ranges();
  a_.lea(kScratchB, x86::ptr(kScratchA, -static_cast<i32>(ranges.start(*slot))));
  a_.cmp(kScratchB, range_room(*slot));
  a_.jae(miss.label);
  check_alignment(align_mask, 0, cold);
  a_.lea(kScratchA, x86::ptr(kScratchA, static_cast<i32>(ranges.delta())));
  a_.bind(miss.back);
  range_misses_.push_back(miss);
  return true;
}

void Translator::emit_range_misses() {
  for (const RangeMiss& m : range_misses_) {
    go_to(m.index, m.at);
    a_.bind(m.label);
    mark(static_cast<u8>(m.index), true);
    if (m.in_place) address_of({}, 0);
    probe(m.access, m.size, m.align_mask, m.cold);
    if (m.in_place) run_after_miss(m);
    a_.jmp(m.back);
  }
}

/// The instruction once more, with its operand at kScratchA.
void Translator::run_after_miss(const RangeMiss& m) {
  flags_ = m.flags.where;
  recipe_ = m.flags.recipe;
  simd_ = m.simd;
  std::array<u8, 16> places;
  std::copy(std::begin(kHostOf), std::end(kHostOf), places.begin());
  place_spilled(places, true);
  run_code(reencode(d_, places, true), places, use_of_flags());
}

}  // namespace ring3::jit
