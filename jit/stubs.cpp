// SPDX-License-Identifier: MIT
#include "jit/stubs.h"

#include <cstddef>

#include "jit/kept_flags.h"
#include "jit/residency.h"

namespace ring3::jit {
namespace {

using asmjit::imm;

constexpr unsigned kSaved[] = {3, 5, 12, 13, 14, 15};  // System V: rbx rbp r12-r15

void spill_guest(x86::Assembler& a) {
  for (unsigned g = 0; g < 16; ++g)
    if (kHostOf[g] != kSpilled) a.mov(gpr_home(g), x86::gpq(kHostOf[g]));
}

void load_guest(x86::Assembler& a) {
  for (unsigned g = 0; g < 16; ++g)
    if (kHostOf[g] != kSpilled) a.mov(x86::gpq(kHostOf[g]), gpr_home(g));
}

void move_field(x86::Assembler& a, size_t to, size_t from) {
  a.mov(x86::rax, x86::qword_ptr(x86::rdi, static_cast<i32>(from)));
  a.mov(frame(to), x86::rax);
}

void emit_enter(x86::Assembler& a) {
  for (unsigned r : kSaved) a.push(x86::gpq(r));
  a.sub(x86::rsp, imm(sizeof(Frame)));
  move_field(a, offsetof(Frame, budget), offsetof(Entry, budget));
  move_field(a, offsetof(Frame, deadline), offsetof(Entry, deadline));
  move_field(a, offsetof(Frame, engine), offsetof(Entry, engine));
  move_field(a, offsetof(Frame, targets), offsetof(Entry, targets));
  move_field(a, offsetof(Frame, flags), offsetof(Entry, flags));
  move_field(a, offsetof(Frame, poll), offsetof(Entry, poll));
  move_field(a, offsetof(Frame, salt), offsetof(Entry, salt));
  a.mov(kState, x86::qword_ptr(x86::rdi, offsetof(Entry, state)));
  a.mov(kScratchA, x86::qword_ptr(x86::rdi, offsetof(Entry, code)));
  a.mov(x86::dword_ptr(x86::rsp, offsetof(Frame, resident)), imm(0));
  emit_forget_lines(a);
  a.mov(frame(offsetof(Frame, origin)), imm(0));
  load_guest(a);
  a.jmp(kScratchA);
}

/// To C++, guest registers already in CpuState; rax: the site.
void emit_return(x86::Assembler& a) {
  a.mov(x86::rdx, frame(offsetof(Frame, deadline)));
  a.sub(x86::rdx, frame(offsetof(Frame, budget)));
  a.mov(state64(offsetof(CpuState, instructions)), x86::rdx);
  a.mov(x86::rdx, frame(offsetof(Frame, flags)));
  a.add(x86::rsp, imm(sizeof(Frame)));
  for (unsigned n = std::size(kSaved); n-- > 0;) a.pop(x86::gpq(kSaved[n]));
  a.ret();
}

/// kScratchA: the site. What it leads to may be translated already.
void emit_direct(x86::Assembler& a, const Thunks& thunks, asmjit::Label out) {
  const asmjit::Label leave = a.newLabel();
  emit_make_flags(a, 0);
  spill_guest(a);
  emit_spill_residents(a, 0);
  a.mov(x86::rbx, kScratchA);
  a.mov(x86::rdi, frame(offsetof(Frame, engine)));
  a.mov(x86::rsi, kScratchA);
  a.mov(x86::rax, imm(reinterpret_cast<u64>(thunks.follow)));
  a.call(x86::rax);
  emit_forget_lines(a);
  a.test(x86::rax, x86::rax);
  a.jz(leave);
  a.mov(kScratchA, x86::rax);
  load_guest(a);
  a.jmp(kScratchA);
  a.bind(leave);
  a.mov(x86::rax, x86::rbx);
  a.jmp(out);
}

void emit_callout(x86::Assembler& a, const Thunks& thunks, asmjit::Label out) {
  constexpr i32 kPushed = 16;  // the return address and the padding
  emit_make_flags(a, 8);
  spill_guest(a);
  emit_spill_residents(a, 8);
  a.sub(x86::rsp, imm(8));
  a.mov(x86::rdi, frame(offsetof(Frame, engine), kPushed));
  a.mov(x86::rsi, kScratchA);
  a.lea(x86::rdx, frame(0, kPushed));
  a.mov(x86::rax, imm(reinterpret_cast<u64>(thunks.call_out)));
  a.call(x86::rax);
  a.add(x86::rsp, imm(8));
  emit_forget_lines(a, 8);
  a.cmp(x86::eax, imm(static_cast<u32>(After::Leave)));
  const asmjit::Label stop = a.newLabel(), jump = a.newLabel();
  a.je(stop);
  a.ja(jump);
  load_guest(a);
  a.ret();
  a.bind(jump);
  a.add(x86::rsp, imm(8));
  load_guest(a);
  a.jmp(frame(offsetof(Frame, scratch)));
  a.bind(stop);
  a.add(x86::rsp, imm(8));
  a.xor_(x86::eax, x86::eax);
  a.jmp(out);
}

void emit_find_second(x86::Assembler& a) {
  a.mov(kScratchB, imm(kSecondFactor));
  a.imul(kScratchB, kScratchA);
  a.shr(kScratchB, imm(64 - kSecondBits));
  a.shl(kScratchB, imm(4));
  a.add(kScratchB, frame(offsetof(Frame, targets), 8));
  a.add(kScratchB, imm(offsetof(Targets, second)));
  a.cmp(kScratchA, x86::qword_ptr(kScratchB, offsetof(Target, tag)));
  a.ret();
}

}  // namespace

bool make_stubs(CodeCache& cache, const Thunks& thunks, i32 window, Stubs& stubs) {
  asmjit::CodeHolder code;
  code.init(asmjit::Environment::host(), reinterpret_cast<u64>(cache.next()));
  x86::Assembler a(&code);
  const asmjit::Label enter = a.newLabel(), direct = a.newLabel(), zero = a.newLabel(),
                      callout = a.newLabel(), out = a.newLabel(), second = a.newLabel(),
                      make_flags = a.newLabel();
  a.bind(enter);
  emit_enter(a);
  a.bind(direct);
  emit_direct(a, thunks, out);
  a.bind(out);
  emit_return(a);
  a.bind(zero);
  a.mov(gpr_home(CpuState::kRipSlot), imm(0));
  a.call(make_flags);
  spill_guest(a);
  emit_spill_residents(a, 0);
  a.xor_(x86::eax, x86::eax);
  a.jmp(out);
  a.bind(callout);
  emit_callout(a, thunks, out);
  a.bind(make_flags);
  emit_make_flags(a, 8);
  a.ret();
  a.bind(second);
  emit_find_second(a);
  const Loaders loaders = emit_loaders(a);
  const LineLabels lines = emit_line_stubs(a, window);
  const u8* base = cache.add(code);
  if (!base) return false;
  stubs.enter =
      reinterpret_cast<Left (*)(const Entry*)>(const_cast<u8*>(base) + code.labelOffset(enter));
  stubs.leave_direct = base + code.labelOffset(direct);
  stubs.return_to_zero = base + code.labelOffset(zero);
  stubs.callout = base + code.labelOffset(callout);
  stubs.make_flags = base + code.labelOffset(make_flags);
  stubs.find_second = base + code.labelOffset(second);
  stubs.load_xmm = base + code.labelOffset(loaders.xmm);
  stubs.load_ymm = base + code.labelOffset(loaders.ymm);
  stubs.load_x87 = base + code.labelOffset(loaders.x87);
  for (Line line = 0; line < kLines; ++line) {
    stubs.line_read[line] = base + code.labelOffset(lines.read[line]);
    stubs.line_write[line] = base + code.labelOffset(lines.write[line]);
  }
  cache.keep();
  return true;
}

}  // namespace ring3::jit
