// SPDX-License-Identifier: MIT
// Operand fetch and write-back, by operand kind: the generic half of every integer handler.
// A handler family is a class with `template <class T, Kind D, Kind S, bool dead> static void run`;
// pick<Family> chooses the instance for a decoded instruction.
#pragma once

#include "core/handlers.h"

namespace ring3 {

/// The memory operand.
template <class T>
T read_mem(Cpu& cpu, const Insn& i) {
  return cpu.read<T>(static_cast<Seg>(i.segment), cpu.effective_address(i));
}
template <class T>
void write_mem(Cpu& cpu, const Insn& i, T value) {
  cpu.write<T>(static_cast<Seg>(i.segment), cpu.effective_address(i), value);
}

/// Operand 0, of kind Reg or Mem.
template <class T, Kind K>
T get_dst(Cpu& cpu, const Insn& i) {
  if constexpr (K == Kind::Mem) {
    return read_mem<T>(cpu, i);
  } else {
    return cpu.reg<T>(i.dst);
  }
}

template <class T, Kind K>
void set_dst(Cpu& cpu, const Insn& i, T value) {
  if constexpr (K == Kind::Mem) {
    write_mem<T>(cpu, i, value);
  } else {
    cpu.set_reg<T>(i.dst, value);
  }
}

/// Operand 1, of any kind.
template <class T, Kind K>
T get_src(Cpu& cpu, const Insn& i) {
  if constexpr (K == Kind::Mem) {
    return read_mem<T>(cpu, i);
  } else if constexpr (K == Kind::Imm) {
    return static_cast<T>(i.imm);
  } else {
    return cpu.reg<T>(i.src);
  }
}

/// Operand 0 = f(operand 0), checked for writing before the read if in memory.
template <class T, Kind K, class F>
void modify_dst(Cpu& cpu, const Insn& i, F&& f) {
  if constexpr (K == Kind::Mem) {
    cpu.modify<T>(static_cast<Seg>(i.segment), cpu.effective_address(i), i.locked(), f);
  } else {
    cpu.set_reg<T>(i.dst, f(cpu.reg<T>(i.dst)));
  }
}

template <class F, class T, Kind D, Kind S>
Handler pick_dead(const Insn& i) {
  return i.flags_dead ? &F::template run<T, D, S, true> : &F::template run<T, D, S, false>;
}

template <class F, class T, Kind D>
Handler pick_src(const Insn& i) {
  switch (i.kinds[1]) {
    case Kind::Mem:
      if constexpr (D != Kind::Mem) return pick_dead<F, T, D, Kind::Mem>(i);
      return raise_ud;
    case Kind::Imm:
      return pick_dead<F, T, D, Kind::Imm>(i);
    default:
      return pick_dead<F, T, D, Kind::Reg>(i);
  }
}

template <class F, class T>
Handler pick_dst(const Insn& i) {
  return i.kinds[0] == Kind::Mem ? pick_src<F, T, Kind::Mem>(i) : pick_src<F, T, Kind::Reg>(i);
}

/// The instance of F::run for the instruction's width and operand kinds.
template <class F>
Handler pick(Insn& i, const Decoded&) {
  switch (i.width) {
    case 1:
      return pick_dst<F, u8>(i);
    case 2:
      return pick_dst<F, u16>(i);
    case 4:
      return pick_dst<F, u32>(i);
    default:
      return pick_dst<F, u64>(i);
  }
}

/// The same for families of 16, 32 and 64-bit operands, whose second operand is no immediate.
template <class F>
Handler pick_wide(Insn& i, const Decoded&) {
  const bool mem = i.kinds[0] == Kind::Mem;
  switch (i.width) {
    case 2:
      return mem ? pick_dead<F, u16, Kind::Mem, Kind::Reg>(i) : pick_src<F, u16, Kind::Reg>(i);
    case 4:
      return mem ? pick_dead<F, u32, Kind::Mem, Kind::Reg>(i) : pick_src<F, u32, Kind::Reg>(i);
    default:
      return mem ? pick_dead<F, u64, Kind::Mem, Kind::Reg>(i) : pick_src<F, u64, Kind::Reg>(i);
  }
}

/// The instance of F::run for the operand size: 16, 32 or 64 bits.
template <template <class> class F>
Handler by_operand_width(const Insn& i) {
  switch (i.operand_width) {
    case 2:
      return F<u16>::run;
    case 4:
      return F<u32>::run;
    default:
      return F<u64>::run;
  }
}

/// Replaces the flags in `mask`.
inline void set_flags(Cpu& cpu, u64 mask, u64 value) {
  cpu.state.rflags = (cpu.state.rflags & ~mask) | value;
}

}  // namespace ring3
