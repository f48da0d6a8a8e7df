// SPDX-License-Identifier: MIT
// ADD ADC SUB SBB AND OR XOR CMP TEST INC DEC NEG NOT.
#include "core/alu.h"

#include "core/operands.h"

namespace ring3 {
namespace {

template <class Op>
struct Rmw {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T b = get_src<T, S>(cpu, i);
    const u64 before = cpu.state.rflags;
    u64 flags = 0;
    modify_dst<T, D>(cpu, i, [&](T a) {
      const Alu<T> r = Op::run(a, b, before);
      flags = r.flags;
      return r.value;
    });
    if constexpr (!dead) set_flags(cpu, Op::kWrites, flags);
  }
};

template <class Op>
struct Compare {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T a = get_dst<T, D>(cpu, i);
    const T b = get_src<T, S>(cpu, i);
    if constexpr (!dead) set_flags(cpu, Op::kWrites, Op::run(a, b, 0).flags);
  }
};

template <class Op>
struct Unary {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    u64 flags = 0;
    modify_dst<T, D>(cpu, i, [&](T a) {
      const Alu<T> r = Op::run(a);
      flags = r.flags;
      return r.value;
    });
    if constexpr (!dead && Op::kWrites != 0) set_flags(cpu, Op::kWrites, flags);
  }
};

template <class Op>
constexpr Binding rmw{pick<Rmw<Op>>};
template <class Op>
constexpr Binding compare{pick<Compare<Op>>};
template <class Op>
constexpr Binding unary{pick<Unary<Op>>};

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/alu.def"
#undef ROW
};

}  // namespace

FamilyTable alu_family() { return kRows; }

}  // namespace ring3
