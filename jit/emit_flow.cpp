// SPDX-License-Identifier: MIT
// Near control flow and the stack, in 64-bit code with 64-bit operands.
#include <cstddef>
#include <utility>

#include "jit/crossings.h"
#include "jit/reencode.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

/// False: a branch there raises #GP.
bool Translator::reachable(u64 target) const {
  return !bits64() || static_cast<u64>(static_cast<i64>(target << 16) >> 16) == target;
}

void Translator::emit() {
  if (emit_string() || emit_stack() || emit_misc() || emit_system() || emit_level()) return;
  switch (d_.insn.mnemonic) {
    case ZYDIS_MNEMONIC_JMP:
      return emit_jmp();
    case ZYDIS_MNEMONIC_CALL:
      return emit_call();
    case ZYDIS_MNEMONIC_RET:
      return emit_ret();
    case ZYDIS_MNEMONIC_PUSH:
      return emit_push();
    case ZYDIS_MNEMONIC_POP:
      return emit_pop();
    case ZYDIS_MNEMONIC_LEAVE:
      return emit_leave();
    default:
      return emit_jcc();
  }
}

/// A jump that is patched later; until then it goes to `home`.
void Translator::jump_out(Jump& jump, asmjit::Label home) {
  a_.long_().jmp(home);
  note_jump(jump, home);
}

/// That jump was the last instruction.
void Translator::note_jump(Jump& jump, asmjit::Label home) {
  jump.at = static_cast<u32>(a_.offset() - 4);
  homes_.push_back({&jump, home});
}

/// Those of the block's page from there on, if the instruction there is in it.
std::span<const u8> Translator::bytes_at(u64 target) const {
  const u64 offset = target & kPageMask;
  const bool same_page = ((target ^ rip_) >> kPageShift) == 0 && offset < page_.size();
  if (!same_page || page_.size() - offset < ZYDIS_MAX_INSTRUCTION_LENGTH) return {};
  return page_.subspan(offset);
}

/// The flags, as far as can be told.
bool Translator::is_overwritten_at(u64 target) const {
  const std::span<const u8> there = bytes_at(target);
  return !there.empty() && overwrites_flags(there);
}

Translator::ExitPlan Translator::plan_exit(u64 target) const {
  return {target, bytes_at(target).empty(), !(flags_ & kFrame) && is_overwritten_at(target)};
}

ExitSite* Translator::make_exit(const ExitPlan& plan) {
  ExitSite* const site = records_.make<ExitSite>();
  site->target = plan.target;
  site->from = t_;
  site->crosses_page = plan.crosses_page;
  site->next_of_block = std::exchange(t_->exits, site);
  return site;
}

/// Out of the block. Flags are saved, unless the target seems to overwrite them: then only if it
/// turns out that it does not.
void Translator::exit_to(u64 target) {
  if (target == rip_ && loop_back()) return;
  if (in_steady_) join_budget();
  const ExitPlan plan = plan_exit(target);
  ExitSite* const site = make_exit(plan);
  if (!plan.lazy) save_flags();
  ColdExit cold{a_.newLabel(), a_.newLabel(), site, {flags_, recipe_}};
  if (site->crosses_page) {
    site->check = static_cast<u32>(a_.offset());
    a_.cmp(x86::dword_ptr(kState, user() ? c_.places : c_.generation), imm(Crossings::kNoNumber));
    site->number = static_cast<u32>(a_.offset() - 4);
    a_.jne(cold.leave);
  }
  jump_out(site->direct, plan.lazy ? cold.saver : cold.leave);
  cold_exits_.push_back(cold);
  ended_ = true;
}

/// The same on a condition, if nothing has to be done before the jump. False, with nothing emitted:
/// something has.
bool Translator::exit_if(x86::CondCode condition, u64 target) {
  if (target == rip_ || in_steady_) return false;
  const ExitPlan plan = plan_exit(target);
  if (plan.crosses_page || !(plan.lazy || (flags_ & kFrame))) return false;
  ColdExit cold{a_.newLabel(), a_.newLabel(), make_exit(plan), {flags_, recipe_}};
  const asmjit::Label home = plan.lazy ? cold.saver : cold.leave;
  a_.long_().j(condition, home);
  note_jump(cold.site->direct, home);
  cold_exits_.push_back(cold);
  return true;
}

void Translator::emit_cold_exits() {
  for (const ColdExit& cold : cold_exits_) {
    a_.bind(cold.saver);
    if (!(cold.flags.where & kFrame)) {
      put_flags(cold.flags);
      jump_out(cold.site->saved, cold.leave);
    }
    a_.bind(cold.leave);
    a_.mov(kScratchA, imm(reinterpret_cast<u64>(cold.site)));
    a_.jmp(imm(reinterpret_cast<u64>(c_.stubs.leave_direct)));
  }
}

/// Indirect branches come by here. In a space that is new, or where something else stands at rip,
/// C++ looks, as for an exit.
void Translator::check_place() {
  t_->place = c_.place;
  ExitSite* const site = records_.make<ExitSite>();
  site->target = rip_;
  site->from = t_;
  site->entry = true;
  ColdExit cold{a_.newLabel(), a_.newLabel(), site, {}};
  const i32 at = c_.places + static_cast<i32>(t_->place.slot * sizeof(u32));
  a_.cmp(x86::dword_ptr(kState, at), imm(t_->place.number));
  a_.jne(cold.leave);
  t_->start = static_cast<u32>(a_.offset());
  cold_exits_.push_back(cold);
}

/// At kScratchB bytes on in the block's own Targets, after address_targets() or find_target().
x86::Mem Translator::in_targets(size_t offset) const {
  return x86::qword_ptr(kScratchB, c_.targets + static_cast<i32>(offset));
}

/// Flags are lost.
void Translator::address_targets(i32 place) {
  if (place == 0) a_.add(kScratchB, frame(offsetof(Frame, targets)));
}

/// kScratchB is by how much the entry of the indirect-branch table for the rip in kScratchA, which
/// is lost, stands behind the table's place.
void Translator::find_target(asmjit::Label cold, i32 place, bool to_user) {
  if (c_.bmi2) {
    a_.rorx(kScratchB, kScratchA, imm(64 - 4));
  } else {
    a_.mov(kScratchB.r32(), kScratchA.r32());
    a_.shl(kScratchB.r32(), imm(4));
  }
  a_.and_(kScratchB.r32(), imm(kTargetMask << 4));
  address_targets(place);
  if (!to_user) a_.xor_(kScratchA, frame(offsetof(Frame, salt)));
  a_.cmp(kScratchA, x86::qword_ptr(kScratchB, place + static_cast<i32>(offsetof(Target, tag))));
  const Lookup& second = lookups_.emplace_back(Lookup{a_.newLabel(), a_.newLabel(), cold, place});
  a_.jne(second.label);
  a_.bind(second.found);
  ended_ = true;
}

void Translator::emit_lookups() {
  for (const Lookup& second : lookups_) {
    a_.bind(second.label);
    a_.call(imm(reinterpret_cast<u64>(c_.stubs.find_second)));
    if (second.place != 0) a_.lea(kScratchB, x86::ptr(kScratchB, -second.place));
    a_.je(second.found);
    a_.jmp(second.cold);
  }
}

/// Opcodes 70 to 7F and 0F 80 to 8F: the condition is in the low four bits.
void Translator::emit_jcc() {
  const u64 next = truncate(at_ + insn_->length), target = truncate(next + insn_->imm);
  if (!reachable(target)) return callout(true);
  static constexpr x86::CondCode kConditions[16] = {
      x86::CondCode::kO, x86::CondCode::kNO, x86::CondCode::kB,  x86::CondCode::kAE,
      x86::CondCode::kE, x86::CondCode::kNE, x86::CondCode::kBE, x86::CondCode::kA,
      x86::CondCode::kS, x86::CondCode::kNS, x86::CondCode::kP,  x86::CondCode::kNP,
      x86::CondCode::kL, x86::CondCode::kGE, x86::CondCode::kLE, x86::CondCode::kG};
  need_flags(tested_flags(d_));
  const x86::CondCode condition = kConditions[insn_->opcode & 15];
  if (index_ + 1 < block_.insns.size()) return leave_if(condition, target);
  if (const asmjit::Label loop = target == rip_ ? loop_label() : asmjit::Label(); loop.isValid()) {
    a_.j(condition, loop);
    return exit_to(next);
  }
  if (exit_if(condition, target)) return exit_to(next);
  if (exit_if(x86::negateCond(condition), next)) return exit_to(target);
  save_flags();
  if (exit_if(condition, target)) return exit_to(next);
  const Flags flags{flags_, recipe_};
  const asmjit::Label taken = a_.newLabel();
  a_.j(condition, taken);
  exit_to(next);
  a_.bind(taken);
  flags_ = flags.where;
  recipe_ = flags.recipe;
  exit_to(target);
}

/// kScratchA = where an indirect jump or call goes. If that is in no table, the handler goes there,
/// and checks it.
void Translator::load_target() {
  if (insn_->kinds[0] == Kind::Reg) {
    const x86::Gp from = guest_in(insn_->dst / 8, kScratchA);
    if (from != kScratchA || !bits64()) a_.mov(sized(kScratchA), sized(from));
    return;
  }
  effective_address(d_.operands[0]);
  last_cold(probe(Access::Read, word()));
  a_.mov(sized(kScratchA), x86::ptr(kScratchA, 0, word()));
}

void Translator::emit_jmp() {
  if (insn_->kinds[0] == Kind::Imm) {
    const u64 target = truncate(at_ + insn_->length + insn_->imm);
    return reachable(target) ? exit_to(target) : callout(true);
  }
  save_flags();
  const asmjit::Label cold = cold_path(false);
  load_target();
  find_target(cold);
  a_.jmp(in_targets(offsetof(Target, code)));
}

void Translator::move_stack(i32 offset) { a_.lea(sized(kGuestRsp), x86::ptr(kGuestRsp, offset)); }

void Translator::emit_call() {
  const u64 next = truncate(at_ + insn_->length), target = truncate(next + insn_->imm);
  const bool direct = insn_->kinds[0] == Kind::Imm;
  const i32 size = static_cast<i32>(word());
  if (direct && !reachable(target)) return callout(true);
  if (direct) {
    release_flags();
  } else {
    save_flags();
    const asmjit::Label cold = cold_path(false);
    load_target();
    find_target(cold);
    a_.mov(kScratchB, in_targets(offsetof(Target, code)));
    a_.mov(frame(offsetof(Frame, scratch)), kScratchB);
    flags_ = kFrame;
  }
  const Place top = find({kGuestRsp, -size, Access::Write, word()});
  last_cold(top.cold);
  if (bits64() && static_cast<u64>(static_cast<i32>(next)) != next) {
    a_.mov(kScratchB, imm(next));
    a_.mov(x86::qword_ptr(kScratchA, top.offset), kScratchB);
  } else {
    a_.mov(x86::ptr(kScratchA, top.offset, word()), imm(static_cast<i32>(next)));
  }
  move_stack(-size);
  expect_return(next);
  if (direct) return exit_to(target);
  a_.jmp(frame(offsetof(Frame, scratch)));
}

void Translator::emit_ret() {
  save_flags();
  const Place top = find({kGuestRsp, 0, Access::Read, word()});
  last_cold(top.cold);
  a_.mov(sized(kScratchA), x86::ptr(kScratchA, top.offset, word()));
  return_to(top.cold);
}

void Translator::emit_push() {
  const i32 size = static_cast<i32>(word());
  release_flags();
  const Place place = find({kGuestRsp, -size, Access::Write, word()});
  const x86::Mem top = x86::ptr(kScratchA, place.offset, word());
  if (insn_->kinds[0] == Kind::Imm) {
    a_.mov(top, imm(static_cast<i32>(insn_->imm)));
  } else {
    a_.mov(top, sized(guest_in(insn_->dst / 8, kScratchB)));
  }
  move_stack(-size);
  finish_cold(place.cold);
}

void Translator::emit_pop() {
  release_flags();
  const Place top = find({kGuestRsp, 0, Access::Read, word()});
  const unsigned guest = insn_->dst / 8;
  const bool spilled = kHostOf[guest] == kSpilled;
  const x86::Gp to = spilled ? kScratchA : x86::gpq(kHostOf[guest]);
  a_.mov(sized(to), x86::ptr(kScratchA, top.offset, word()));
  if (spilled) a_.mov(gpr_home(guest), to);
  if (guest != kRsp) move_stack(static_cast<i32>(word()));
  finish_cold(top.cold);
}

void Translator::emit_leave() {
  release_flags();
  const Place top = find({x86::rbp, 0, Access::Read, word()});
  a_.lea(sized(kGuestRsp), x86::ptr(x86::rbp, static_cast<i32>(word())));
  a_.mov(sized(x86::rbp), x86::ptr(kScratchA, top.offset, word()));
  finish_cold(top.cold);
}

}  // namespace ring3::jit
