// SPDX-License-Identifier: MIT
// How the guest's arithmetic flags stand in the frame. Frame::flags has them, or operands of the
// instruction that left them, which Frame::origin names: two or three stores that need neither the
// host's flags nor a register, and most are never looked at. Above that may stand what an INC or
// DEC made of all but CF, and what a BT made of CF; who overwrites all flags drops both.
#pragma once

#include "jit/registers.h"

namespace ring3::jit {

/// How flags are made again.
enum class Remake : u8 {
  None,
  Compare,  ///< left - right
  Test,     ///< left & right
  Result,   ///< left, which AND, OR or XOR left
  UndoAdd,  ///< left, to which right was added
  UndoSub,  ///< left, from which right was subtracted
  Zero,     ///< 0 - 0
  Step,     ///< all but CF: what INC or DEC left
  Carry     ///< CF: a bit
};

/// Neither makes all flags: the others stand below, in the frame.
inline constexpr bool is_partial(Remake r) { return r == Remake::Step || r == Remake::Carry; }
inline constexpr bool has_right(Remake r) {
  return !is_partial(r) && r != Remake::Result && r != Remake::Zero && r != Remake::None;
}

/// An immediate that stands in Frame::origin beside the kind.
inline constexpr bool fits_origin(i32 value) { return value >= -(1 << 22) && value < 1 << 22; }
inline constexpr u8 kImmediate = 0x80;  ///< of the low byte: it does

/// Frame::origin. Its bytes: the kind, three for an immediate, Step's kind, Carry's bit + 1; 0 of a
/// kind: Frame::flags has them.
u32 origin_of(Remake kind, unsigned width);
u32 origin_of(Remake kind, unsigned width, i32 right);
u8 step_of(bool increment, unsigned width);
inline constexpr i32 kStepAt = 4, kCarryAt = 5;

/// Makes Frame::flags right; kScratchB and the host's flags are lost. The frame is `pushed` bytes
/// above the stack pointer.
void emit_make_flags(x86::Assembler& a, i32 pushed);

}  // namespace ring3::jit
