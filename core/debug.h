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
/// A completed data access: matching breakpoints become pending traps (pending_dr6). For the memory
/// path while the MMU is bypassed.
void note_data_access(Cpu& cpu, u64 linear, unsigned size, Access access);
/// The same for I/O ports (CR4.DE).
void note_io_access(Cpu& cpu, u16 port, unsigned size);

/// True if data accesses at the current privilege must be aligned, else #AC(0).
bool alignment_checked(const CpuState& state);

/// True if a repeated string instruction must stop after each iteration: for a trap that may come
/// there. RF alone is no reason, and it is set after each page fault.
bool stops_at_iterations(const CpuState& state);

/// Sets or clears kSignalTrap as TF, RF, shadows, breakpoints and pending traps ask for.
void update_trap_signal(Cpu& cpu);

}  // namespace ring3
