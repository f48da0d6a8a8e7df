// SPDX-License-Identifier: MIT
#include "jit/kept_flags.h"

#include <bit>
#include <cstddef>
#include <vector>

namespace ring3::jit {
namespace {

using asmjit::imm;

constexpr unsigned kWidths = 4;
constexpr Remake kWhole[] = {Remake::Compare, Remake::Test,    Remake::Result,
                             Remake::UndoAdd, Remake::UndoSub, Remake::Zero};

unsigned log2_of(unsigned width) { return static_cast<unsigned>(std::countr_zero(width)); }

/// Code that makes the host's flags, found by a number.
class Makers {
 public:
  Makers(x86::Assembler& a, i32 pushed) : a_(a), pushed_(pushed), table_(a.newLabel()) {}

  /// To maker eax - 1.
  void dispatch() {
    a_.lea(kScratchA, x86::ptr(table_, -8));
    a_.jmp(x86::qword_ptr(kScratchA, x86::rax, 3));
  }
  /// kScratchB = the operand.
  void begin(size_t operand) {
    makers_.push_back(a_.newLabel());
    a_.bind(makers_.back());
    a_.mov(kScratchB, frame(operand, pushed_));
  }
  void embed_table() {
    a_.align(asmjit::AlignMode::kData, 8);
    a_.bind(table_);
    for (const asmjit::Label& maker : makers_) a_.embedLabel(maker);
  }

 private:
  x86::Assembler& a_;
  i32 pushed_;
  asmjit::Label table_;
  std::vector<asmjit::Label> makers_;
};

void emit_remake(x86::Assembler& a, Remake kind, unsigned width, i32 pushed) {
  const x86::Gp left = of_size(kScratchB, width);
  x86::Mem right = frame(offsetof(Frame, right), pushed);
  right.setSize(width);
  switch (kind) {
    case Remake::Compare:
      a.cmp(left, right);
      break;
    case Remake::Test:
      a.test(right, left);
      break;
    case Remake::UndoAdd:
      a.sub(left, right);
      a.add(left, right);
      break;
    case Remake::UndoSub:
      a.add(left, right);
      a.sub(left, right);
      break;
    case Remake::Zero:
      a.cmp(kState, kState);
      break;
    default:
      a.test(left, left);
  }
}

/// From the host's. rax is lost.
void store(x86::Assembler& a, i32 pushed) {
  a.lahf();
  a.seto(x86::al);
  a.mov(x86::word_ptr(x86::rsp, static_cast<i32>(offsetof(Frame, flags)) + pushed), x86::ax);
}

/// eax: the low half of Frame::origin.
void emit_whole(x86::Assembler& a, i32 pushed) {
  const asmjit::Label no_immediate = a.newLabel(), made = a.newLabel();
  a.mov(kScratchB.r32(), x86::eax);
  a.movzx(x86::eax, x86::al);
  a.test(x86::al, imm(kImmediate));
  a.jz(no_immediate);
  a.and_(x86::eax, imm(kImmediate - 1));
  a.shl(kScratchB.r32(), imm(1));
  a.sar(kScratchB.r32(), imm(9));
  a.movsxd(kScratchB, kScratchB.r32());
  a.mov(frame(offsetof(Frame, right), pushed), kScratchB);
  a.bind(no_immediate);
  Makers makers(a, pushed);
  makers.dispatch();
  for (Remake kind : kWhole) {
    for (unsigned n = 0; n < kWidths; ++n) {
      makers.begin(offsetof(Frame, left));
      emit_remake(a, kind, 1u << n, pushed);
      a.jmp(made);
    }
  }
  makers.embed_table();
  a.bind(made);
  store(a, pushed);
}

/// eax: step_of(). INC and DEC leave CF.
void emit_step(x86::Assembler& a, i32 pushed) {
  const asmjit::Label made = a.newLabel();
  Makers makers(a, pushed);
  makers.dispatch();
  for (bool increment : {false, true}) {
    for (unsigned n = 0; n < kWidths; ++n) {
      makers.begin(offsetof(Frame, step));
      const x86::Gp value = of_size(kScratchB, 1u << n);
      a.bt(x86::word_ptr(x86::rsp, static_cast<i32>(offsetof(Frame, flags)) + pushed), imm(8));
      if (increment) a.dec(value);
      a.inc(value);
      if (!increment) a.dec(value);
      a.jmp(made);
    }
  }
  makers.embed_table();
  a.bind(made);
  store(a, pushed);
}

/// eax: the bit + 1.
void emit_carry(x86::Assembler& a, i32 pushed) {
  const x86::Mem flags =
      x86::byte_ptr(x86::rsp, static_cast<i32>(offsetof(Frame, flags)) + 1 + pushed);
  a.mov(kScratchB, frame(offsetof(Frame, carry), pushed));
  a.dec(x86::eax);
  a.bt(kScratchB, x86::rax);
  a.setc(kScratchB.r8());
  a.and_(flags, imm(0xFE));
  a.or_(flags, kScratchB.r8());
}

}  // namespace

u32 origin_of(Remake kind, unsigned width) {
  return (static_cast<u32>(kind) - 1) * kWidths + log2_of(width) + 1;
}

u32 origin_of(Remake kind, unsigned width, i32 right) {
  return origin_of(kind, width) | kImmediate | (static_cast<u32>(right) & 0x7FFFFF) << 8;
}

u8 step_of(bool increment, unsigned width) {
  return static_cast<u8>((increment ? kWidths : 0) + log2_of(width) + 1);
}

void emit_make_flags(x86::Assembler& a, i32 pushed) {
  const asmjit::Label done = a.newLabel(), steps = a.newLabel(), carries = a.newLabel(),
                      made = a.newLabel();
  const i32 origin = static_cast<i32>(offsetof(Frame, origin)) + pushed;
  a.cmp(x86::qword_ptr(x86::rsp, origin), imm(0));
  a.je(done);
  a.mov(frame(offsetof(Frame, kept), pushed), kScratchA);
  a.mov(gpr_home(kRax), x86::rax);
  a.mov(x86::eax, x86::dword_ptr(x86::rsp, origin));
  a.test(x86::eax, x86::eax);
  a.jz(steps);
  emit_whole(a, pushed);
  a.bind(steps);
  a.movzx(x86::eax, x86::byte_ptr(x86::rsp, origin + kStepAt));
  a.test(x86::eax, x86::eax);
  a.jz(carries);
  emit_step(a, pushed);
  a.bind(carries);
  a.movzx(x86::eax, x86::byte_ptr(x86::rsp, origin + kCarryAt));
  a.test(x86::eax, x86::eax);
  a.jz(made);
  emit_carry(a, pushed);
  a.bind(made);
  a.mov(x86::qword_ptr(x86::rsp, origin), imm(0));
  a.mov(x86::rax, gpr_home(kRax));
  a.mov(kScratchA, frame(offsetof(Frame, kept), pushed));
  a.bind(done);
}

}  // namespace ring3::jit
