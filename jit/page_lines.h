// SPDX-License-Identifier: MIT
// TLBs of one entry, in the frame: an access by the stack pointer, or one of a thread to its own
// data, likely goes to the page where the last one of its kind went, so it asks for that first and
// needs no look into the table.
//
// A line stands for a page that may be read and written. All lines hold or none does: then
// Frame::line_room is 0. They are emptied whenever C++ ran, for nothing else changes what is
// mapped, and where rights are taken away inline.
#pragma once

#include <cstddef>

#include "decoder/insn.h"
#include "jit/registers.h"

namespace ring3::jit {

using Line = u8;
inline constexpr Line kStackLine = 0, kThreadLine = 1, kNoLine = 0xFF;

/// Bytes that an access may have for Frame::line_room[n] to be its limit.
inline constexpr unsigned kLineSizes[kLineSizeCount] = {8, 32, 128, 256};
inline constexpr unsigned kMaxLineSize = kLineSizes[kLineSizeCount - 1];

/// What the instruction's memory operand is looked for in, if anywhere.
Line line_of(const Insn& insn, bool user);

x86::Mem line_field(Line line, size_t field, i32 pushed = 0);
inline size_t line_room_at(unsigned n) { return offsetof(Frame, line_room) + n * sizeof(u64); }

/// `pushed`: bytes on the host's stack above the frame.
void emit_forget_lines(x86::Assembler& a, i32 pushed = 0);

/// Called where a line does not have the access: kScratchA is the linear address XOR the line's
/// tag, kScratchB the page's size less the access'. Back comes the host address in kScratchA, and
/// the line has its page; or CF. Flags and both are lost.
struct LineLabels {
  asmjit::Label read[kLines], write[kLines];
};
/// `window`: the TLB's, from CpuState.
LineLabels emit_line_stubs(x86::Assembler& a, i32 window);

}  // namespace ring3::jit
