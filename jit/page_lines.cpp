// SPDX-License-Identifier: MIT
#include "jit/page_lines.h"

#include <cstdlib>
#include <utility>

#include "mmu/tlb.h"

namespace ring3::jit {
namespace {

using asmjit::imm;

/// Farther from the register is likely another page.
constexpr i64 kNear = 1024;

x86::Mem entry_field(size_t field) { return x86::qword_ptr(x86::rax, static_cast<i32>(field)); }

/// rax: the TLB's entry.
void emit_fill_line(x86::Assembler& a, Line line, i32 pushed) {
  const asmjit::Label one = a.newLabel(), done = a.newLabel();
  const auto fill = [&](Line first, Line last) {
    const auto store = [&](size_t to) {
      for (Line n = first; n <= last; ++n) a.mov(line_field(n, to, pushed), kScratchB);
    };
    a.mov(kScratchB, entry_field(offsetof(TlbEntry, write_tag)));
    store(offsetof(PageLine, tag));
    a.add(kScratchB, entry_field(offsetof(TlbEntry, delta)));
    store(offsetof(PageLine, page));
  };
  a.cmp(frame(line_room_at(0), pushed), imm(0));
  a.jne(one);
  fill(0, kLines - 1);
  for (unsigned n = 0; n < kLineSizeCount; ++n)
    a.mov(frame(line_room_at(n), pushed), imm(kPageSize - kLineSizes[n] + 1));
  a.jmp(done);
  a.bind(one);
  fill(line, line);
  a.bind(done);
}

void emit_line_stub(x86::Assembler& a, Line line, size_t tag, i32 window) {
  constexpr i32 kPushed = 16;  // the return address and rax
  const asmjit::Label refused = a.newLabel(), found = a.newLabel();
  a.push(x86::rax);
  a.xor_(kScratchA, line_field(line, offsetof(PageLine, tag), kPushed));
  a.mov(x86::rax, kScratchA);
  a.shr(x86::rax, imm(TlbWindow::kShift));
  a.and_(x86::rax, state64(window + static_cast<i32>(offsetof(TlbWindow, mask))));
  a.add(x86::rax, state64(window + static_cast<i32>(offsetof(TlbWindow, base))));
  a.xor_(kScratchA, entry_field(tag));
  a.cmp(kScratchA, kScratchB);
  a.ja(refused);
  a.mov(kScratchB, entry_field(offsetof(TlbEntry, read_tag)));
  a.cmp(kScratchB, entry_field(offsetof(TlbEntry, write_tag)));
  a.jne(found);
  emit_fill_line(a, line, kPushed);
  a.bind(found);
  a.xor_(kScratchA, entry_field(tag));
  a.add(kScratchA, entry_field(offsetof(TlbEntry, delta)));
  a.pop(x86::rax);
  a.clc();
  a.ret();
  a.bind(refused);
  a.pop(x86::rax);
  a.stc();
  a.ret();
}

}  // namespace

Line line_of(const Insn& insn, bool user) {
  if (insn.segment == kFs || insn.segment == kGs) return user ? kThreadLine : kNoLine;
  return insn.base == kRsp && std::abs(insn.disp) <= kNear ? kStackLine : kNoLine;
}

x86::Mem line_field(Line line, size_t field, i32 pushed) {
  return frame(offsetof(Frame, lines) + line * sizeof(PageLine) + field, pushed);
}

void emit_forget_lines(x86::Assembler& a, i32 pushed) {
  for (unsigned n = 0; n < kLineSizeCount; ++n) a.mov(frame(line_room_at(n), pushed), imm(0));
}

LineLabels emit_line_stubs(x86::Assembler& a, i32 window) {
  LineLabels labels;
  const auto stub = [&](Line line, size_t tag) {
    const asmjit::Label label = a.newLabel();
    a.bind(label);
    emit_line_stub(a, line, tag, window);
    return label;
  };
  for (Line line = 0; line < kLines; ++line) {
    labels.read[line] = stub(line, offsetof(TlbEntry, read_tag));
    labels.write[line] = stub(line, offsetof(TlbEntry, write_tag));
  }
  return labels;
}

}  // namespace ring3::jit
