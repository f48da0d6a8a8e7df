// SPDX-License-Identifier: MIT
// Where returns go. The host predicts a return by the call that it belongs to, so a guest's CALL
// is a CALL of the host too, whose return address, the landing, leads to what follows it; and a
// guest's RET is a RET of the host. In between the landing stands in Targets, by where the guest's
// return address stands in its stack, for the host's stack is the frame's. A RET that finds another
// address there looks in the indirect-branch tables, out of line.
#include <cstddef>

#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

/// The place for a return address at guest rsp is kScratchB bytes on in these.
void Translator::find_return() {
  a_.mov(kScratchB.r32(), kGuestRsp.r32());
  a_.and_(kScratchB.r32(), imm(Targets::kReturnMask));
  address_targets(c_.targets);
}

/// After a call has pushed `next`: a return there is expected. What follows is the way to the
/// call's target; kScratchB is lost.
void Translator::expect_return(u64 next) {
  const Flags now = without_host();
  const asmjit::Label on = a_.newLabel();
  find_return();
  if (static_cast<u64>(static_cast<i32>(next)) == next) {
    a_.mov(in_targets(offsetof(Targets, return_rips)), imm(static_cast<i32>(next)));
  } else {
    a_.mov(kScratchA, imm(next));
    a_.mov(in_targets(offsetof(Targets, return_rips)), kScratchA);
  }
  a_.call(on);
  flags_ = kFrame;
  exit_to(next);
  a_.bind(on);
  a_.pop(in_targets(offsetof(Targets, return_codes)));
  flags_ = now.where;
  recipe_ = now.recipe;
}

/// kScratchA: where to. `cold`: the handler, for what no table has.
void Translator::return_to(asmjit::Label cold) {
  const i32 more = insn_->kinds[0] == Kind::Imm ? static_cast<i32>(insn_->imm & 0xFFFF) : 0;
  const Return other{a_.newLabel(), cold, static_cast<i32>(word()) + more};
  find_return();
  a_.cmp(kScratchA, in_targets(offsetof(Targets, return_rips)));
  a_.jne(other.label);
  move_stack(other.size);
  a_.push(in_targets(offsetof(Targets, return_codes)));
  a_.ret();
  returns_.push_back(other);
  ended_ = true;
}

/// A RET here as well, for the host had a CALL for it.
void Translator::emit_returns() {
  for (const Return& r : returns_) {
    a_.bind(r.label);
    find_target(r.cold);
    move_stack(r.size);
    a_.push(in_targets(offsetof(Target, code)));
    a_.ret();
  }
}

}  // namespace ring3::jit
