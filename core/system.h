// SPDX-License-Identifier: MIT
// The parts of the system architecture that several families share: descriptors, segment loads,
// exception and interrupt delivery, privilege changes, task switches, control registers, MSRs.
#pragma once

#include <optional>

#include "core/cpu.h"

namespace ring3 {

/// A segment or gate descriptor as it stands in memory (SDM 3A "Segment Descriptors").
struct Descriptor {
  u64 low = 0;
  u64 high = 0;     ///< upper half of 16-byte system descriptors in long mode, else 0
  u64 address = 0;  ///< linear address it was read from
  u8 type() const { return bits(low, 43, 40); }
  bool s() const { return low >> 44 & 1; }
  u8 dpl() const { return bits(low, 46, 45); }
  bool present() const { return low >> 47 & 1; }
  bool l() const { return low >> 53 & 1; }
  bool db() const { return low >> 54 & 1; }
  bool is_code() const { return s() && (type() & 8); }
  bool is_data() const { return s() && !(type() & 8); }
  bool is_conforming() const { return is_code() && (type() & 4); }
  bool is_readable_code() const { return is_code() && (type() & 2); }
  bool is_writable_data() const { return is_data() && (type() & 2); }
  u64 base() const;
  u32 limit() const;  ///< in bytes
  // Gates.
  Selector gate_selector() const { return {static_cast<u16>(bits(low, 31, 16))}; }
  u64 gate_offset() const;  ///< by type: 16-bit, 32-bit or, with `high`, 64-bit
};

// --- descriptors.cpp
/// Reads the descriptor; `fault(sel)` if outside its table. 16 bytes for system types in long mode.
Descriptor read_descriptor(Cpu& cpu, Selector sel, Fault (*fault)(Selector));
std::optional<Descriptor> find_descriptor(Cpu& cpu, Selector sel);  ///< nullopt if outside
void set_accessed(Cpu& cpu, Descriptor& d);
Segment to_segment(Selector sel, const Descriptor& d);
/// Real and virtual-8086 mode: base = selector * 16; limit and rights kept or set as the mode says.
void load_real_segment(Cpu& cpu, Seg seg, u16 selector);

// --- segment.cpp
/// MOV/POP to ES SS DS FS GS in any mode, with all checks (SDM 2B MOV).
void load_segment(Cpu& cpu, Seg seg, Selector sel);
void load_ldt(Cpu& cpu, Selector sel);
void load_tr(Cpu& cpu, Selector sel);

// --- interrupts.cpp
enum class Source : u8 { External, Nmi, Exception, SoftwareInt, Int1, Int3, Into };
/// Delivers through the IVT or IDT from the current state: faults of the delivery itself are
/// thrown. `return_rip`: what is pushed.
void deliver(Cpu& cpu, u8 vector, Source source, std::optional<u32> error, u64 return_rip);
/// Takes a fault raised by an instruction (or by delivery) to its handler, with the double and
/// triple fault rules. On a triple fault the cpu enters Activity::Shutdown. state.rip() must be
/// the faulting instruction's.
void take_fault(Cpu& cpu, Fault fault);
/// The end of a triple fault: Activity::Shutdown. `fault` is the last one.
void shut_down(Cpu& cpu, const Fault& fault);
/// At an instruction boundary: delivers what is due (INIT, SIPI, NMI, INTR, debug traps), wakes
/// HLT. Returns true if rip changed or the cpu is not active.
bool take_pending(Cpu& cpu);
/// TF, breakpoints and shadows around single-stepped instructions: called by the engine when
/// kSignalTrap is set, before and after each instruction.
void before_step(Cpu& cpu);
void after_step(Cpu& cpu, bool tf_was_set);

// --- tasks.cpp
enum class TaskCause : u8 { Call, Jump, Iret, Gate };
/// A hardware task switch (SDM 3A "Task Management").
void switch_task(Cpu& cpu, Selector tss, TaskCause cause, std::optional<u32> error, u64 return_rip);
/// SS:rSP for a privilege level, from the current TSS.
struct StackPointer {
  Selector ss;
  u64 rsp = 0;
};
StackPointer tss_stack(Cpu& cpu, u8 level, Fault (*fault)(Selector));
u64 tss_ist(Cpu& cpu, unsigned ist);
/// The TSS I/O permission bitmap and IOPL rule: #GP(0) if `bytes` ports from `port` are not
/// allowed.
void check_io(Cpu& cpu, u16 port, unsigned bytes);

// --- control.cpp
void write_cr0(Cpu& cpu, u64 value);
void write_cr3(Cpu& cpu, u64 value);
void write_cr4(Cpu& cpu, u64 value);
u64 read_msr(Cpu& cpu, u32 index);
void write_msr(Cpu& cpu, u32 index, u64 value);

}  // namespace ring3
