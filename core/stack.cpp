// SPDX-License-Identifier: MIT
// PUSH POP PUSHA POPA ENTER LEAVE. Segment register forms are in core/segment.cpp.
#include "core/stack.h"

#include "core/operands.h"
#include "core/system_moves.h"

namespace ring3 {
namespace {

template <class T>
struct PushReg {
  static void run(Cpu& cpu, const Insn& i) { push<T>(cpu, cpu.reg<T>(i.dst)); }
};
template <class T>
struct PushImm {
  static void run(Cpu& cpu, const Insn& i) { push<T>(cpu, static_cast<T>(i.imm)); }
};
template <class T>
struct PushMem {
  static void run(Cpu& cpu, const Insn& i) { push<T>(cpu, read_mem<T>(cpu, i)); }
};

/// POP rSP: the incremented pointer is overwritten by the popped value.
template <class T>
struct PopReg {
  static void run(Cpu& cpu, const Insn& i) {
    const T value = pop<T>(cpu);
    cpu.set_reg<T>(i.dst, value);
  }
};

/// POP m with rSP in the address uses the incremented rSP; a fault leaves rSP as it was.
template <class T>
struct PopMem {
  static void run(Cpu& cpu, const Insn& i) {
    const u64 old = cpu.state.gpr[kRsp];
    const T value = pop<T>(cpu);
    try {
      write_mem<T>(cpu, i, value);
    } catch (const Fault&) {
      cpu.state.gpr[kRsp] = old;
      throw;
    }
  }
};

/// Pushes the original SP in its place. The whole frame is checked first.
template <class T>
void pusha_run(Cpu& cpu, const Insn&) {
  const u64 sp = cpu.state.gpr[kRsp];
  const u64 mask = stack_mask(cpu);
  for (unsigned n = 1; n <= 8; ++n) cpu.probe_write(kSs, (sp - n * sizeof(T)) & mask, sizeof(T));
  for (u8 r = kRax; r <= kRdi; ++r)
    push<T>(cpu, r == kRsp ? static_cast<T>(sp) : cpu.reg<T>(8 * r));
}

/// The popped SP is thrown away.
template <class T>
void popa_run(Cpu& cpu, const Insn&) {
  T values[8];
  for (unsigned n = 0; n < 8; ++n) values[n] = peek<T>(cpu, n * sizeof(T));
  drop(cpu, 8 * sizeof(T));
  for (u8 r = kRax; r <= kRdi; ++r)
    if (r != kRsp) cpu.set_reg<T>(8 * r, values[7 - r]);
}

/// SDM 2A ENTER. imm: bytes of locals, imm2: nesting level modulo 32.
template <class T>
struct Enter {
  static void run(Cpu& cpu, const Insn& i) {
    const u64 old_rsp = cpu.state.gpr[kRsp];
    const unsigned level = i.imm2 & 31;
    try {
      push<T>(cpu, cpu.reg<T>(8 * kRbp));
      const u64 frame = cpu.state.gpr[kRsp];
      for (unsigned n = 1; n < level; ++n)
        push<T>(cpu, cpu.read<T>(kSs, (cpu.state.gpr[kRbp] - n * sizeof(T)) & stack_mask(cpu)));
      if (level > 0) push<T>(cpu, static_cast<T>(frame));
      const u64 top = cpu.state.gpr[kRsp] - (i.imm & 0xFFFF);
      // The new top must be writable, else a stack fault now.
      cpu.probe_write(kSs, (top & stack_mask(cpu)), sizeof(T));
      set_stack_pointer(cpu, top);
      cpu.set_reg<T>(8 * kRbp, static_cast<T>(frame));
    } catch (const Fault&) {
      cpu.state.gpr[kRsp] = old_rsp;
      throw;
    }
  }
};

template <class T>
struct Leave {
  static void run(Cpu& cpu, const Insn&) {
    const u64 frame = cpu.state.gpr[kRbp];
    const T old = cpu.read<T>(kSs, frame & stack_mask(cpu));
    set_stack_pointer(cpu, frame + sizeof(T));
    cpu.set_reg<T>(8 * kRbp, old);
  }
};

bool is_segment(const Decoded& d) {
  return d.operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
         ZydisRegisterGetClass(d.operands[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

// `push` and `pop` name rows; the functions of the same name are templates.
namespace row {
constexpr Binding push{[](Insn& i, const Decoded& d) -> Handler {
  if (is_segment(d)) return push_seg;
  if (i.kinds[0] == Kind::Mem) return by_operand_width<PushMem>(i);
  return i.kinds[0] == Kind::Imm ? by_operand_width<PushImm>(i) : by_operand_width<PushReg>(i);
}};
constexpr Binding pop{[](Insn& i, const Decoded& d) -> Handler {
  if (is_segment(d)) return pop_seg;
  return i.kinds[0] == Kind::Mem ? by_operand_width<PopMem>(i) : by_operand_width<PopReg>(i);
}};
template <class T>
constexpr Binding pusha = one<pusha_run<T>>;
template <class T>
constexpr Binding popa = one<popa_run<T>>;
constexpr Binding enter{[](Insn& i, const Decoded&) { return by_operand_width<Enter>(i); }};
constexpr Binding leave{[](Insn& i, const Decoded&) { return by_operand_width<Leave>(i); }};
}  // namespace row

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, row::h},
#include "decoder/isa/stack.def"
#undef ROW
};

}  // namespace

FamilyTable stack_family() { return kRows; }

}  // namespace ring3
