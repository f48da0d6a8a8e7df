// SPDX-License-Identifier: MIT
// Branches out of a block's middle: the block was extended along the way that is not taken, where
// flags, groups and residents stay as they are. What is taken gives the budget back what does not
// run, and leaves by an exit behind the block.
#include <cstddef>

#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

/// The host's flags are the guest's.
void Translator::leave_if(x86::CondCode condition, u64 target) {
  const asmjit::Label taken = a_.newLabel();
  a_.long_().j(condition, taken);
  const Recipe before = recipe_;
  if (condition == x86::CondCode::kE) note_zero();
  side_exits_.push_back({taken, target, index_, at_, {flags_, recipe_}});
  recipe_ = before;
  if (condition == x86::CondCode::kNE) note_zero();
}

/// Gives back what does not run of the block.
void Translator::return_budget() {
  const i32 left = static_cast<i32>(block_.insns.size() - index_ - 1);
  const x86::Mem budget = frame(offsetof(Frame, budget));
  if (flags_ & (kFrame | kRecipe)) {
    a_.add(budget, imm(left));
    return lose_host();
  }
  a_.mov(kScratchA, budget);
  a_.lea(kScratchA, x86::ptr(kScratchA, left));
  a_.mov(budget, kScratchA);
}

void Translator::emit_side_exits() {
  for (const SideExit& side : side_exits_) {
    go_to(side.index, side.at);
    flags_ = side.flags.where;
    recipe_ = side.flags.recipe;
    a_.bind(side.label);
    mark(static_cast<u8>(index_), true);
    count_left();
    return_budget();
    exit_to(side.target);
  }
}

}  // namespace ring3::jit
