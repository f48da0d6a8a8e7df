// SPDX-License-Identifier: MIT
// Near control flow and the stack, in 64-bit code with 64-bit operands.
#include <cstddef>

#include "jit/reencode.h"
#include "jit/translator.h"

namespace ring3::jit {

using asmjit::imm;

namespace {

constexpr i32 kInstructions = offsetof(CpuState, instructions);
constexpr i32 kRip = 8 * CpuState::kRipSlot;

bool canonical(u64 address) {
  return static_cast<u64>(static_cast<i64>(address << 16) >> 16) == address;
}

}  // namespace

void Translator::emit() {
  if (emit_string() || emit_stack() || emit_misc()) return;
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

/// Adds the block to the instruction count and looks for signals and the deadline. kScratchB and
/// flags are lost.
void Translator::count_and_poll(asmjit::Label leave) {
  a_.mov(kScratchB, state64(kInstructions));
  a_.add(kScratchB, imm(index_ + 1));
  a_.mov(state64(kInstructions), kScratchB);
  a_.cmp(kScratchB, frame(offsetof(Frame, deadline)));
  a_.jae(leave);
  a_.mov(kScratchB.r32(), x86::dword_ptr(kState, c_.signals));
  a_.test(x86::dword_ptr(x86::rsp, offsetof(Frame, poll)), kScratchB.r32());
  a_.jnz(leave);
}

void Translator::exit_to(u64 target) {
  save_flags();
  auto site = std::make_unique<ExitSite>();
  site->code = c_.stubs.leave_direct;
  site->target = target;
  site->crosses_page = ((target ^ rip_) >> kPageShift) != 0;
  site->from = t_.get();
  const asmjit::Label leave = a_.newLabel();
  a_.mov(kScratchA, imm(reinterpret_cast<u64>(site.get())));
  count_and_poll(leave);
  if (site->crosses_page) {
    a_.mov(kScratchB, state64(c_.generation));
    a_.cmp(kScratchB, x86::qword_ptr(kScratchA, offsetof(ExitSite, generation)));
    a_.jne(leave);
  }
  a_.jmp(x86::qword_ptr(kScratchA, offsetof(ExitSite, code)));
  a_.bind(leave);
  a_.jmp(imm(reinterpret_cast<u64>(c_.stubs.leave_direct)));
  t_->exits.push_back(std::move(site));
  ended_ = true;
}

/// To the rip in kScratchA, which is canonical.
void Translator::exit_indirect() {
  const asmjit::Label leave = a_.newLabel();
  a_.mov(state64(kRip), kScratchA);
  count_and_poll(leave);
  a_.mov(kScratchB.r32(), kScratchA.r32());
  a_.and_(kScratchB.r32(), imm(kTargetMask));
  a_.shl(kScratchB.r32(), imm(5));
  a_.add(kScratchB, frame(offsetof(Frame, targets)));
  a_.cmp(kScratchA, x86::qword_ptr(kScratchB, offsetof(Target, rip)));
  a_.jne(leave);
  a_.mov(kScratchA, state64(c_.generation));
  a_.cmp(kScratchA, x86::qword_ptr(kScratchB, offsetof(Target, generation)));
  a_.jne(leave);
  a_.jmp(x86::qword_ptr(kScratchB, offsetof(Target, code)));
  a_.bind(leave);
  a_.jmp(imm(reinterpret_cast<u64>(c_.stubs.leave)));
  ended_ = true;
}

/// Opcodes 70 to 7F and 0F 80 to 8F: the condition is in the low four bits.
void Translator::emit_jcc() {
  const u64 next = at_ + insn_->length, target = next + insn_->imm;
  if (!canonical(target)) return callout(true);
  static constexpr x86::CondCode kConditions[16] = {
      x86::CondCode::kO, x86::CondCode::kNO, x86::CondCode::kB,  x86::CondCode::kAE,
      x86::CondCode::kE, x86::CondCode::kNE, x86::CondCode::kBE, x86::CondCode::kA,
      x86::CondCode::kS, x86::CondCode::kNS, x86::CondCode::kP,  x86::CondCode::kNP,
      x86::CondCode::kL, x86::CondCode::kGE, x86::CondCode::kLE, x86::CondCode::kG};
  save_flags();
  if (!(flags_ & kHost)) restore_flags(kScratchA);
  flags_ = kFrame | kHost;
  const asmjit::Label taken = a_.newLabel();
  a_.j(kConditions[insn_->opcode & 15], taken);
  exit_to(next);
  a_.bind(taken);
  exit_to(target);
}

/// kScratchA = where an indirect jump or call goes.
void Translator::indirect_target() {
  save_flags();
  if (insn_->kinds[0] == Kind::Reg) {
    const x86::Gp from = guest_in(insn_->dst / 8, kScratchA);
    if (from != kScratchA) a_.mov(kScratchA, from);
  } else {
    effective_address(d_.operands[0]);
    cold_.push_back({probe(Access::Read, 8), {}, index_, kFrame, false});
    a_.mov(kScratchA, x86::qword_ptr(kScratchA));
  }
  check_canonical(cold_path(false));
  flags_ = kFrame;
}

void Translator::check_canonical(asmjit::Label cold) {
  a_.mov(kScratchB, kScratchA);
  a_.shl(kScratchB, imm(16));
  a_.sar(kScratchB, imm(16));
  a_.cmp(kScratchB, kScratchA);
  a_.jne(cold);
}

void Translator::emit_jmp() {
  if (insn_->kinds[0] == Kind::Imm) {
    const u64 target = at_ + insn_->length + insn_->imm;
    return canonical(target) ? exit_to(target) : callout(true);
  }
  indirect_target();
  exit_indirect();
}

void Translator::emit_call() {
  const u64 next = at_ + insn_->length;
  const bool direct = insn_->kinds[0] == Kind::Imm;
  if (direct && !canonical(next + insn_->imm)) return callout(true);
  if (!direct) {
    indirect_target();
    a_.mov(frame(offsetof(Frame, scratch)), kScratchA);
  }
  save_flags();
  a_.lea(kScratchA, x86::ptr(kGuestRsp, -8));
  cold_.push_back({probe(Access::Write, 8), {}, index_, kFrame, false});
  a_.mov(kScratchB, imm(next));
  a_.mov(x86::qword_ptr(kScratchA), kScratchB);
  a_.lea(kGuestRsp, x86::ptr(kGuestRsp, -8));
  flags_ = kFrame;
  if (direct) return exit_to(next + insn_->imm);
  a_.mov(kScratchA, frame(offsetof(Frame, scratch)));
  exit_indirect();
}

void Translator::emit_ret() {
  save_flags();
  a_.mov(kScratchA, kGuestRsp);
  cold_.push_back({probe(Access::Read, 8), {}, index_, kFrame, false});
  a_.mov(kScratchA, x86::qword_ptr(kScratchA));
  check_canonical(cold_path(false));
  const i32 more = insn_->kinds[0] == Kind::Imm ? static_cast<i32>(insn_->imm & 0xFFFF) : 0;
  a_.lea(kGuestRsp, x86::ptr(kGuestRsp, 8 + more));
  flags_ = kFrame;
  exit_indirect();
}

void Translator::emit_push() {
  save_flags();
  a_.lea(kScratchA, x86::ptr(kGuestRsp, -8));
  const asmjit::Label cold = probe(Access::Write, 8);
  if (insn_->kinds[0] == Kind::Imm) {
    a_.mov(x86::qword_ptr(kScratchA), imm(static_cast<i32>(insn_->imm)));
  } else {
    a_.mov(x86::qword_ptr(kScratchA), guest_in(insn_->dst / 8, kScratchB));
  }
  a_.lea(kGuestRsp, x86::ptr(kGuestRsp, -8));
  flags_ = kFrame;
  finish_cold(cold);
}

void Translator::emit_pop() {
  save_flags();
  a_.mov(kScratchA, kGuestRsp);
  const asmjit::Label cold = probe(Access::Read, 8);
  const unsigned guest = insn_->dst / 8;
  const bool spilled = kHostOf[guest] == kSpilled;
  const x86::Gp to = spilled ? kScratchA : x86::gpq(kHostOf[guest]);
  a_.mov(to, x86::qword_ptr(kScratchA));
  if (spilled) a_.mov(gpr_home(guest), to);
  if (guest != kRsp) a_.lea(kGuestRsp, x86::ptr(kGuestRsp, 8));
  flags_ = kFrame;
  finish_cold(cold);
}

void Translator::emit_leave() {
  save_flags();
  a_.mov(kScratchA, x86::rbp);
  const asmjit::Label cold = probe(Access::Read, 8);
  a_.lea(kGuestRsp, x86::ptr(x86::rbp, 8));
  a_.mov(x86::rbp, x86::qword_ptr(kScratchA));
  flags_ = kFrame;
  finish_cold(cold);
}

}  // namespace ring3::jit
