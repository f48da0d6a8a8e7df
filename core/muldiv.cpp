// SPDX-License-Identifier: MIT
// MUL IMUL DIV IDIV MULX. SF ZF AF PF after a multiplication are undefined: they follow the low
// half's sign and parity with ZF and AF clear, as Intel silicon does; the tests ignore them.
#include "core/muldiv.h"

#include "core/operands.h"

namespace ring3 {
namespace {

// The accumulator pair: AX for bytes, else rDX:rAX.
template <class T>
T high_half(Cpu& cpu) {
  return sizeof(T) == 1 ? cpu.reg<T>(1) : cpu.reg<T>(8 * kRdx);
}
template <class T>
void set_halves(Cpu& cpu, T low, T high) {
  cpu.set_reg<T>(0, low);
  cpu.set_reg<T>(sizeof(T) == 1 ? 1 : 8 * kRdx, high);
}

template <class T>
void set_product_flags(Cpu& cpu, T low, bool overflow) {
  const u64 flags = result_flags(low) & (flag::SF | flag::PF);
  set_flags(cpu, flag::kArith, flags | flag_if(overflow, flag::CF | flag::OF));
}

template <bool is_signed>
struct Mul {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T b = get_dst<T, D>(cpu, i);
    const T a = cpu.reg<T>(0);
    const auto p = is_signed ? muldiv::multiply_signed(a, b) : muldiv::multiply(a, b);
    set_halves<T>(cpu, p.low, p.high);
    if constexpr (!dead) set_product_flags(cpu, p.low, p.overflow);
  }
};

template <bool is_signed>
struct Div {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T d = get_dst<T, D>(cpu, i);
    const T high = high_half<T>(cpu), low = cpu.reg<T>(0);
    const auto q = is_signed ? muldiv::divide_signed(high, low, d) : muldiv::divide(high, low, d);
    if (!q) raise(DE());
    set_halves<T>(cpu, q->quotient, q->remainder);
  }
};

/// IMUL r, rm and IMUL r, rm, imm.
struct Imul2 {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T a = get_src<T, S>(cpu, i);
    const T b = i.kinds[2] == Kind::Imm ? static_cast<T>(i.imm) : cpu.reg<T>(i.dst);
    const auto p = muldiv::multiply_signed(a, b);
    cpu.set_reg<T>(i.dst, p.low);
    if constexpr (!dead) set_product_flags(cpu, p.low, p.overflow);
  }
};

struct Mulx {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T b = i.kinds[2] == Kind::Mem ? read_mem<T>(cpu, i) : cpu.reg<T>(i.src2);
    const auto p = muldiv::multiply(cpu.reg<T>(8 * kRdx), b);
    cpu.set_reg<T>(i.src, p.low);  // the high half wins if both name one register
    cpu.set_reg<T>(i.dst, p.high);
  }
};

constexpr Binding mul{pick<Mul<false>>};
constexpr Binding div_unsigned{pick<Div<false>>};
constexpr Binding div_signed{pick<Div<true>>};
constexpr Binding mulx{pick_wide<Mulx>};
constexpr Binding imul{[](Insn& i, const Decoded& d) -> Handler {
  return i.kinds[1] == Kind::None ? pick<Mul<true>>(i, d) : pick_wide<Imul2>(i, d);
}};

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/muldiv.def"
#undef ROW
};

}  // namespace

FamilyTable muldiv_family() { return kRows; }

}  // namespace ring3
