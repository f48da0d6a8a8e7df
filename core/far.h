// SPDX-License-Identifier: MIT
// Far transfers that share their mnemonic with near ones: the flow family binds them when Zydis
// says that the branch is far.
#pragma once

#include "core/system.h"

namespace ring3 {

void jmp_far(Cpu& cpu, const Insn& i);
void call_far(Cpu& cpu, const Insn& i);
void ret_far(Cpu& cpu, const Insn& i);

/// A far pointer operand.
struct FarPointer {
  Selector selector;
  u64 offset;
};

// --- far_gates.cpp
/// JMP or CALL to a system descriptor: call gate, task gate or TSS.
void jump_system(Cpu& cpu, Selector sel, const Descriptor& d);
void call_system(Cpu& cpu, Selector sel, const Descriptor& d);

// --- iret.cpp
void iret(Cpu& cpu, const Insn& i);

// --- syscall.cpp
void syscall(Cpu& cpu, const Insn& i);
void sysret(Cpu& cpu, const Insn& i);
void sysenter(Cpu& cpu, const Insn& i);
void sysexit(Cpu& cpu, const Insn& i);

/// What they set CS and SS to: flat segments, without descriptor reads. Derived parts as in 64-bit
/// mode.
constexpr Segment flat_segment(u16 selector, u8 type, u8 dpl, bool l, bool db) {
  return {.selector = selector,
          .type = type,
          .s = true,
          .dpl = dpl,
          .present = true,
          .l = l,
          .db = db,
          .g = true,
          .usable = true,
          .limit = 0xFFFFFFFF,
          .flat_read = true,
          .flat_write = true};
}
/// Execute/read accessed code.
constexpr Segment flat_code(u16 selector, u8 cpl, bool long64) {
  return flat_segment(selector, 11, cpl, long64, !long64);
}
/// Read/write accessed data.
constexpr Segment flat_stack(u16 selector, u8 cpl) {
  return flat_segment(selector, 3, cpl, false, true);
}
/// RFLAGS bits that SYSRET takes from R11.
inline constexpr u64 kSysretFlags = flag::kAll & ~(flag::RF | flag::VM);

/// Common to RETF and IRET: the code segment that a selector popped from the stack returns to, with
/// its checks; RPL >= CPL has been checked or is here.
Descriptor checked_return_code(Cpu& cpu, Selector sel);
/// SS of an outer return; null is allowed below CPL 3 when returning to 64-bit code.
Segment checked_return_stack(Cpu& cpu, Selector sel, u8 cpl, bool to_long64);

}  // namespace ring3
