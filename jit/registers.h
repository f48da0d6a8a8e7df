// SPDX-License-Identifier: MIT
// The register map: where each guest register stands while translated code runs. r15 points at
// CpuState, r13 and r14 are scratch, rsp is the host's stack; guest rsp stands in r12 and guest r12
// to r15 in r8 to r11. Guest r8 to r11 stand in CpuState: compilers name them a third as often.
#pragma once

#include <asmjit/x86.h>

#include "core/cpu_state.h"

namespace ring3::jit {

namespace x86 = asmjit::x86;

inline constexpr u8 kSpilled = 0xFF;
/// Host register number by guest register number.
inline constexpr u8 kHostOf[16] = {0,        1,        2,        3,        12, 5, 6,  7,
                                   kSpilled, kSpilled, kSpilled, kSpilled, 8,  9, 10, 11};
/// A bit for each guest register that stands in CpuState.
inline constexpr u16 kInState = [] {
  u16 bits = 0;
  for (unsigned guest = 0; guest < 16; ++guest) bits |= (kHostOf[guest] == kSpilled) << guest;
  return bits;
}();

inline constexpr x86::Gp kState = x86::r15, kScratchA = x86::r14, kScratchB = x86::r13,
                         kGuestRsp = x86::r12;

/// A field of CpuState at a byte offset.
inline x86::Mem state64(i32 offset) { return x86::qword_ptr(kState, offset); }
inline x86::Mem gpr_home(unsigned guest) { return state64(static_cast<i32>(8 * guest)); }

/// The low part of a register.
inline x86::Gp of_size(x86::Gp r, unsigned bytes) {
  switch (bytes) {
    case 1:
      return r.r8();
    case 2:
      return r.r16();
    case 4:
      return r.r32();
    default:
      return r.r64();
  }
}

/// A page that may be read and written, see page_lines.h.
struct PageLine {
  u64 tag = 0;  ///< its linear address
  u8* page = nullptr;
};
inline constexpr unsigned kLines = 2, kLineSizeCount = 4;

/// What translated code keeps on the host stack.
struct Frame {
  i64 budget = 0;  ///< instructions left until the deadline, those of the running block taken off
  u64 line_room[kLineSizeCount] = {};  ///< above the last offset in a page; 0: no line holds
  PageLine lines[kLines];
  const void* targets = nullptr;  ///< the indirect-branch table of the mode
  u64 flags = 0;   ///< arithmetic flags as `lahf; seto al` leaves them in ax, unless `origin`
  u64 origin = 0;  ///< how they are made from what follows, see kept_flags.h
  u64 left = 0, right = 0, step = 0, carry = 0;
  u64 scratch = 0;  ///< a call's target; where to go on after a block's last callout
  u64 poll = 0;     ///< signals that end translated code
  u64 salt = 0;     ///< what Target::tag mixes with rip, see Targets
  u64 turns = 0;    ///< of loops, in its low byte, see emit_steady.cpp
  // residency.h
  u32 resident = 0;  ///< Resident bits
  u32 fop = 0;       ///< the last x87 instruction, while x87 state is resident
  u64 reserve = 0;   ///< what a loop's third copy kept back of the budget
  /// Host addresses of AccessGroups in the running block; 0: probe.
  u64 groups[8] = {};
  u64 fip = 0, fdp = 0;  ///< of the last x87 instruction, likewise
  u64 deadline = 0;      ///< of CpuState::instructions
  void* engine = nullptr;
  u64 kept = 0;  ///< a register, while Frame::flags is made
};
static_assert(sizeof(Frame) % 16 == 8);  // entered with six registers and rip pushed

inline x86::Mem frame(size_t offset, i32 extra = 0) {
  return x86::qword_ptr(x86::rsp, static_cast<i32>(offset) + extra);
}

/// A slot of Frame::groups.
x86::Mem group_slot(u32 group);

/// Between RFLAGS and Frame::flags.
inline u64 pack_flags(u64 rflags) { return (rflags & 0xD5) << 8 | 0x200 | (rflags >> 11 & 1); }
inline u64 unpack_flags(u64 rflags, u64 packed) {
  return (rflags & ~flag::kArith) | (packed >> 8 & 0xD5) | (packed & 1) << 11;
}

}  // namespace ring3::jit
