// SPDX-License-Identifier: MIT
// Near control flow: JMP, CALL, RET, Jcc, LOOP, JCXZ. Far forms are in core/far.cpp.
#include "core/condition.h"
#include "core/far.h"
#include "core/operands.h"
#include "core/stack.h"

namespace ring3 {
namespace {

/// rIP truncated to the operand size.
u64 near_target(const Insn& i, u64 target) {
  return i.operand_width == 8 ? target : target & low_mask(i.operand_width * 8);
}

void jump_relative(Cpu& cpu, const Insn& i) {
  cpu.jump_to(near_target(i, cpu.state.rip() + i.imm));
}

template <class T>
u64 indirect_target(Cpu& cpu, const Insn& i) {
  return i.kinds[0] == Kind::Mem ? read_mem<T>(cpu, i) : cpu.reg<T>(i.dst);
}

template <class T>
struct JumpIndirect {
  static void run(Cpu& cpu, const Insn& i) { cpu.jump_to(indirect_target<T>(cpu, i)); }
};

/// The target is checked before the push, the push faults before rip changes.
template <class T>
void call_to(Cpu& cpu, u64 target) {
  const u64 return_rip = cpu.state.rip();
  cpu.jump_to(target);
  try {
    push<T>(cpu, static_cast<T>(return_rip));
  } catch (const Fault&) {
    cpu.state.rip() = return_rip;
    throw;
  }
}

template <class T>
struct CallRelative {
  static void run(Cpu& cpu, const Insn& i) {
    call_to<T>(cpu, near_target(i, cpu.state.rip() + i.imm));
  }
};

template <class T>
struct CallIndirect {
  static void run(Cpu& cpu, const Insn& i) { call_to<T>(cpu, indirect_target<T>(cpu, i)); }
};

template <class T>
struct Return {
  static void run(Cpu& cpu, const Insn& i) {
    cpu.jump_to(peek<T>(cpu));
    drop(cpu, sizeof(T) + (i.kinds[0] == Kind::Imm ? i.imm & 0xFFFF : 0));
  }
};

template <unsigned cc>
void jcc_run(Cpu& cpu, const Insn& i) {
  if (condition<cc>(cpu.state.rflags)) jump_relative(cpu, i);
}

u64 counter(const Cpu& cpu, const Insn& i) {
  return cpu.state.gpr[kRcx] & low_mask(i.address_width * 8);
}

template <bool (*also)(u64 flags)>
void loop_run(Cpu& cpu, const Insn& i) {
  const u64 mask = low_mask(i.address_width * 8);
  const u64 n = (counter(cpu, i) - 1) & mask;
  if (n != 0 && also(cpu.state.rflags)) jump_relative(cpu, i);
  u64& rcx = cpu.state.gpr[kRcx];
  rcx = i.address_width == 2 ? (rcx & ~mask) | n : n;
}

bool always(u64) { return true; }
bool if_zero(u64 f) { return f & flag::ZF; }
bool if_not_zero(u64 f) { return !(f & flag::ZF); }

void jcxz_run(Cpu& cpu, const Insn& i) {
  if (counter(cpu, i) == 0) jump_relative(cpu, i);
}

bool is_far(const Decoded& d) { return d.insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR; }

constexpr Binding jmp{[](Insn& i, const Decoded& d) -> Handler {
  if (is_far(d)) return jmp_far;
  return i.kinds[0] == Kind::Imm ? jump_relative : by_operand_width<JumpIndirect>(i);
}};
constexpr Binding call{[](Insn& i, const Decoded& d) -> Handler {
  if (is_far(d)) return call_far;
  return i.kinds[0] == Kind::Imm ? by_operand_width<CallRelative>(i)
                                 : by_operand_width<CallIndirect>(i);
}};
constexpr Binding ret{[](Insn& i, const Decoded& d) -> Handler {
  return is_far(d) ? ret_far : by_operand_width<Return>(i);
}};
template <unsigned cc>
constexpr Binding jcc = one<jcc_run<cc>>;
constexpr Binding loop = one<loop_run<always>>;
constexpr Binding loope = one<loop_run<if_zero>>;
constexpr Binding loopne = one<loop_run<if_not_zero>>;
constexpr Binding jcxz = one<jcxz_run>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/flow.def"
#undef ROW
};

}  // namespace

FamilyTable flow_family() { return kRows; }

}  // namespace ring3
