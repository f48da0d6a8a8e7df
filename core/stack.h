// SPDX-License-Identifier: MIT
// Stack accesses of SS:rSP at the stack-address size.
#pragma once

#include "core/cpu.h"

namespace ring3 {

inline u64 stack_mask(const Cpu& cpu) {
  return cpu.state.stack_bytes == 8 ? ~u64{0} : low_mask(cpu.state.stack_bytes * 8);
}

/// Replaces the part of rSP that the stack-address size covers.
inline void set_stack_pointer(Cpu& cpu, u64 value) {
  const u64 mask = stack_mask(cpu);
  u64& rsp = cpu.state.gpr[kRsp];
  rsp = (rsp & ~mask & 0xFFFFFFFF) | (value & mask);
  if (cpu.state.stack_bytes == 8) rsp = value;
}

template <class T>
void push(Cpu& cpu, T value) {
  const u64 sp = (cpu.state.gpr[kRsp] - sizeof(T)) & stack_mask(cpu);
  cpu.write<T>(kSs, sp, value);
  set_stack_pointer(cpu, sp);
}

/// Reads the top of the stack; the caller moves rSP when nothing can fault any more.
template <class T>
T peek(Cpu& cpu, u64 displacement = 0) {
  return cpu.read<T>(kSs, (cpu.state.gpr[kRsp] + displacement) & stack_mask(cpu));
}

inline void drop(Cpu& cpu, u64 bytes) { set_stack_pointer(cpu, cpu.state.gpr[kRsp] + bytes); }

template <class T>
T pop(Cpu& cpu) {
  const T value = peek<T>(cpu);
  drop(cpu, sizeof(T));
  return value;
}

}  // namespace ring3
