// SPDX-License-Identifier: MIT
// A block that jumps back to its own start goes on in a second copy of itself, made for being
// reached from there: flags stand as the jump left them, SIMD state is resident, and groups that do
// not move keep their host address (access_groups.h). From there it may go to a third copy.
#include "jit/translator.h"

namespace ring3::jit {

namespace {

/// Jcc and JMP, near and relative.
bool is_jump(const Insn& insn) {
  const u8 row = insn.opcode & 0xF0;
  return row == 0x70 || row == 0x80 || insn.opcode == 0xE9 || insn.opcode == 0xEB;
}

}  // namespace

/// Where to go instead of out of the block to its start. Not valid, with nothing emitted but saves:
/// it is not possible. Keeps the host's flags if they are the guest's.
asmjit::Label Translator::loop_label() {
  if (!is_jump(*insn_) || c_.treatments.back() != Treatment::Emit || t_->calls_out) return {};
  for (size_t n = 0; n + 1 < c_.treatments.size(); ++n)
    if (c_.treatments[n] > Treatment::CopyMem) return {};
  const bool first = !in_loop_ && !in_steady_ && !loop_entry_.isValid();
  const bool recipe = (flags_ & kRecipe) && !recipe_.kept && recipe_lasts(recipe_, 0);
  const bool framed = first ? !recipe : (loop_flags_.where & kFrame) != 0;
  if (framed) save_flags();
  const Flags now = without_host();
  if (first) {
    loop_entry_ = a_.newLabel();
    loop_top_ = a_.newLabel();
    loop_flags_ = {recipe ? kRecipe : kFrame, recipe_};
    loop_simd_ = simd_;
  } else {
    const bool same_recipe = !(loop_flags_.where & kRecipe) ||
                             (now.recipe.kind == loop_flags_.recipe.kind &&
                              now.recipe.index == loop_flags_.recipe.index && !now.recipe.kept);
    if ((now.where & loop_flags_.where) != loop_flags_.where || !same_recipe ||
        simd_.resident != loop_simd_.resident)
      return {};
  }
  return in_steady_ ? steady_top_ : in_loop_ ? loop_top_ : loop_entry_;
}

/// Instead of an exit to the block's start. False: not possible.
bool Translator::loop_back() {
  const asmjit::Label label = loop_label();
  if (!label.isValid()) return false;
  a_.jmp(label);
  ended_ = true;
  return true;
}

void Translator::start_copy() {
  ended_ = at_border_ = false;
  started_ = {};
  aligned_ = {};
  flags_ = loop_flags_.where;
  recipe_ = loop_flags_.recipe;
  simd_ = loop_simd_;
  at_ = rip_;
  index_ = 0;
  mark(0, false);
}

void Translator::emit_second_copy() {
  if (!loop_entry_.isValid()) return;
  in_loop_ = true;
  if (find_steady()) {
    steady_entry_ = a_.newLabel();
    steady_top_ = a_.newLabel();
  }
  start_copy();
  a_.bind(loop_entry_);
  forget_fixed_groups();
  a_.bind(loop_top_);
  try_steady();
  count_execution();
  poll();
  for (; index_ < block_.insns.size(); ++index_) translate_one();
  end_block();
}

}  // namespace ring3::jit
