// SPDX-License-Identifier: MIT
// Shifts and rotates, by CL, immediate or 1; double shifts; the BMI2 forms without flags.
#include "core/shift.h"

#include "core/operands.h"

namespace ring3 {
namespace {

template <class T>
constexpr unsigned masked(u64 count) {
  return count & (sizeof(T) == 8 ? 63 : 31);
}

template <class Op>
struct Shift {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const unsigned n = masked<T>(S == Kind::Imm ? i.imm : cpu.reg<u8>(i.src));
    const u64 before = cpu.state.rflags;
    u64 flags = before & Op::kWrites;  // a count of 0 changes no flag
    modify_dst<T, D>(cpu, i, [&](T a) {
      if (n == 0) return a;
      const Alu<T> r = Op::run(a, n, before);
      flags = r.flags;
      return r.value;
    });
    if constexpr (!dead) set_flags(cpu, Op::kWrites, flags);
  }
};

template <bool left>
struct DoubleShift {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const unsigned n = masked<T>(i.kinds[2] == Kind::Imm ? i.imm : cpu.reg<u8>(i.src2));
    const T b = cpu.reg<T>(i.src);
    u64 flags = cpu.state.rflags & flag::kArith;
    modify_dst<T, D>(cpu, i, [&](T a) {
      if (n == 0) return a;
      const Alu<T> r = left ? shift::shld(a, b, n) : shift::shrd(a, b, n);
      flags = r.flags;
      return r.value;
    });
    set_flags(cpu, flag::kArith, flags);
  }
};

struct ShlxOp {
  template <Uint T>
  static constexpr T run(T a, unsigned n) {
    return static_cast<T>(a << n);
  }
};
struct ShrxOp {
  template <Uint T>
  static constexpr T run(T a, unsigned n) {
    return static_cast<T>(a >> n);
  }
};
struct SarxOp {
  template <Uint T>
  static constexpr T run(T a, unsigned n) {
    return static_cast<T>(static_cast<i64>(sign_extend(a)) >> n);
  }
};

template <class Op>
struct BmiShift {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T a = get_src<T, S>(cpu, i);
    cpu.set_reg<T>(i.dst, Op::run(a, masked<T>(cpu.reg<T>(i.src2))));
  }
};

struct Rorx {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T a = get_src<T, S>(cpu, i);
    const unsigned n = masked<T>(i.imm);
    cpu.set_reg<T>(i.dst, n ? shift::Ror::run(a, n, 0).value : a);
  }
};

template <class Op>
constexpr Binding shifted{pick<Shift<Op>>};
template <bool left>
constexpr Binding double_shift{pick_wide<DoubleShift<left>>};
template <class Op>
constexpr Binding bmi_shift{pick_wide<BmiShift<Op>>};
constexpr Binding rorx{pick_wide<Rorx>};

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/shift.def"
#undef ROW
};

}  // namespace

FamilyTable shift_family() { return kRows; }

}  // namespace ring3
