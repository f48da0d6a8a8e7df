// SPDX-License-Identifier: MIT
// Branches out of a block's middle: the block was extended along the way that is not taken, where
// flags, groups and residents stay as they are. What is taken gives the budget back what does not
// run, and leaves by an exit behind the block.
#include <cstddef>

#include "jit/translator.h"

namespace ring3::jit {

/// The host's flags are the guest's.
void Translator::leave_if(x86::CondCode condition, u64 target) {
  const asmjit::Label taken = a_.newLabel();
  a_.long_().j(condition, taken);
  side_exits_.push_back({taken, target, index_, at_, {flags_, recipe_}});
}

void Translator::emit_side_exits() {
  for (const SideExit& side : side_exits_) {
    go_to(side.index, side.at);
    flags_ = side.flags.where;
    recipe_ = side.flags.recipe;
    a_.bind(side.label);
    mark(static_cast<u8>(index_), true);
    count_left();
    const u32 left = static_cast<u32>(block_.insns.size()) - index_ - 1;
    a_.mov(kScratchA, frame(offsetof(Frame, budget)));
    a_.lea(kScratchA, x86::ptr(kScratchA, static_cast<i32>(left)));
    a_.mov(frame(offsetof(Frame, budget)), kScratchA);
    exit_to(side.target);
  }
}

}  // namespace ring3::jit
