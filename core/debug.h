// SPDX-License-Identifier: MIT
// Debug registers and the trap signal (SDM 3B "Debug, Branch Profile, TSC, ...").
#pragma once

#include "core/cpu.h"

namespace ring3 {

namespace dr6 {
inline constexpr u64 BD = bit(13), BS = bit(14), BT = bit(15), kFixed = 0xFFFF0FF0;
}
namespace dr7 {
inline constexpr u64 GD = bit(13), kFixed = bit(10), kWritable = 0xFFFF2BFF;
}

/// True if DR7 enables a breakpoint on instruction fetch.
bool instruction_breakpoints(const CpuState& state);
/// True if DR7 enables a breakpoint on data or I/O.
bool data_breakpoints(const CpuState& state);

/// DR6 bits of the instruction breakpoints at `linear`.
u64 match_instruction(const CpuState& state, u64 linear);
/// Keeps pages with data breakpoints or watchpoints out of the TLBs, so that accesses to them take
/// the memory path's slow way, which ends in note_data_access(). True: too many for that.
bool arm_data_breakpoints(Cpu& cpu);
/// A completed data access: matching breakpoints become pending traps (pending_dr6), and the block
/// that runs ends after the instruction.
void note_data_access(Cpu& cpu, u64 linear, unsigned size, Access access);
/// The same for I/O ports (CR4.DE).
void note_io_access(Cpu& cpu, u16 port, unsigned size);

/// True if data accesses at the current privilege must be aligned, else #AC(0).
bool alignment_checked(const CpuState& state);

/// True if a trap or an outside stop waits for the end of the instruction: a data breakpoint's.
bool stops_after_instruction(const Cpu& cpu);
/// A repeated instruction stops for that between two iterations: RF is 1 then (SDM 3B
/// "Instruction-Breakpoint Exception Condition").
bool stops_after_iteration(Cpu& cpu);

/// True if a repeated string instruction must stop after each iteration: for a trap that may come
/// there. RF alone is no reason, and it is set after each page fault.
bool stops_at_iterations(const CpuState& state);

/// RF alone asks for a single step, as after each page fault's IRET, and nothing could come of it:
/// false, or RF is cleared, as before that step. Where INTR and the deadline were looked at.
bool ends_resume(Cpu& cpu);

/// Sets or clears kSignalTrap as TF, RF, shadows, breakpoints and pending traps ask for.
void update_trap_signal(Cpu& cpu);

}  // namespace ring3
