// SPDX-License-Identifier: MIT
// Data movement: MOV and its extensions, LEA, XCHG, XADD, CMPXCHG*, byte swaps, CMOVcc, SETcc.
// MOV to and from segment, control and debug registers is in core/segment.cpp and core/control.cpp.
#include "core/alu.h"
#include "core/condition.h"
#include "core/operands.h"
#include "core/system_moves.h"

namespace ring3 {
namespace {

struct Mov {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    set_dst<T, D>(cpu, i, get_src<T, S>(cpu, i));
  }
};

/// The register class of an operand, or invalid if it is none.
ZydisRegisterClass class_of(const Decoded& d, unsigned n) {
  const ZydisDecodedOperand& op = d.operands[n];
  return op.type == ZYDIS_OPERAND_TYPE_REGISTER ? ZydisRegisterGetClass(op.reg.value)
                                                : ZYDIS_REGCLASS_INVALID;
}

Handler select_mov(Insn& i, const Decoded& d) {
  switch (class_of(d, 0)) {
    case ZYDIS_REGCLASS_SEGMENT:
      return mov_to_seg;
    case ZYDIS_REGCLASS_CONTROL:
      return mov_to_cr;
    case ZYDIS_REGCLASS_DEBUG:
      return mov_to_dr;
    default:
      break;
  }
  switch (class_of(d, 1)) {
    case ZYDIS_REGCLASS_SEGMENT:
      return mov_from_seg;
    case ZYDIS_REGCLASS_CONTROL:
      return mov_from_cr;
    case ZYDIS_REGCLASS_DEBUG:
      return mov_from_dr;
    default:
      return pick<Mov>(i, d);
  }
}

template <class From, class To, bool is_signed>
void extend(Cpu& cpu, const Insn& i) {
  const From v = i.kinds[1] == Kind::Mem ? read_mem<From>(cpu, i) : cpu.reg<From>(i.src);
  cpu.set_reg<To>(i.dst, static_cast<To>(is_signed ? sign_extend(v) : v));
}

template <class From, bool is_signed>
Handler pick_extend(const Insn& i) {
  switch (i.width) {
    case 2:
      return extend<From, u16, is_signed>;
    case 4:
      return extend<From, u32, is_signed>;
    default:
      return extend<From, u64, is_signed>;
  }
}

template <bool is_signed>
Handler select_extend(Insn& i, const Decoded&) {
  switch (i.src_width) {
    case 1:
      return pick_extend<u8, is_signed>(i);
    case 2:
      return pick_extend<u16, is_signed>(i);
    default:
      return pick_extend<u32, is_signed>(i);
  }
}

template <class T>
struct Lea {
  static void run(Cpu& cpu, const Insn& i) {
    cpu.set_reg<T>(i.dst, static_cast<T>(cpu.effective_address(i)));
  }
};

/// Always atomic on memory, with or without LOCK.
struct Xchg {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const RegSlot other = S == Kind::Mem ? i.dst : i.src;
    const T value = cpu.reg<T>(other);
    T old;
    if constexpr (D == Kind::Mem || S == Kind::Mem) {
      cpu.modify<T>(static_cast<Seg>(i.segment), cpu.effective_address(i), true, [&](T a) {
        old = a;
        return value;
      });
    } else {
      old = cpu.reg<T>(i.dst);
      cpu.set_reg<T>(i.dst, value);
    }
    cpu.set_reg<T>(other, old);
  }
};

struct Xadd {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T b = cpu.reg<T>(i.src);
    Alu<T> r{};
    T old{};
    const auto op = [&](T a) {
      old = a;
      r = alu::add(a, b, false);
      return r.value;
    };
    if constexpr (D == Kind::Mem) {
      modify_dst<T, D>(cpu, i, op);
      cpu.set_reg<T>(i.src, old);
    } else {
      const T sum = op(cpu.reg<T>(i.dst));
      cpu.set_reg<T>(i.src, old);  // the sum wins if both name one register
      cpu.set_reg<T>(i.dst, sum);
    }
    set_flags(cpu, flag::kArith, r.flags);
  }
};

/// Writes the destination in either case (SDM 2A CMPXCHG: the old value goes back on a mismatch).
struct Cmpxchg {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T expected = cpu.reg<T>(0), desired = cpu.reg<T>(i.src);
    T old{};
    bool equal = false;
    const auto op = [&](T a) {
      old = a;
      equal = a == expected;
      return equal ? desired : a;
    };
    if constexpr (D == Kind::Mem) {
      modify_dst<T, D>(cpu, i, op);
    } else {
      const T r = op(cpu.reg<T>(i.dst));
      if (equal) cpu.set_reg<T>(i.dst, r);
    }
    if (!equal) cpu.set_reg<T>(0, old);
    set_flags(cpu, flag::kArith, alu::sub(expected, old, false).flags);
  }
};

template <class Half>
struct PairOf;
template <>
struct PairOf<u32> {
  using T = u64;
};
template <>
struct PairOf<u64> {
  using T = u128;
};

/// CMPXCHG8B and CMPXCHG16B: rDX:rAX compared, rCX:rBX stored.
template <class Half>
void cmpxchg_pair_run(Cpu& cpu, const Insn& i) {
  using T = typename PairOf<Half>::T;
  const auto pair = [&](u8 high, u8 low) {
    return static_cast<T>(static_cast<T>(cpu.reg<Half>(8 * high)) << kBits<Half>) |
           cpu.reg<Half>(8 * low);
  };
  const u64 ea = cpu.effective_address(i);
  const Seg seg = static_cast<Seg>(i.segment);
  if constexpr (sizeof(T) == 16) {
    const u64 linear = cpu.state.seg[seg].access_base + ea;
    require(linear % 16 == 0, GP(0));
  }
  const T expected = pair(kRdx, kRax), desired = pair(kRcx, kRbx);
  T old = 0;
  cpu.modify<T>(seg, ea, i.locked(), [&](T a) {
    old = a;
    return a == expected ? desired : a;
  });
  set_flags(cpu, flag::ZF, flag_if(old == expected, flag::ZF));
  if (old == expected) return;
  cpu.set_reg<Half>(8 * kRax, static_cast<Half>(old));
  cpu.set_reg<Half>(8 * kRdx, static_cast<Half>(old >> kBits<Half>));
}

template <class T>
T swap_bytes(T v) {
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(v);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(v);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(v);
  return v;
}

/// BSWAP of a 16-bit register is undefined; silicon clears it.
template <class T>
struct Bswap {
  static void run(Cpu& cpu, const Insn& i) {
    cpu.set_reg<T>(i.dst, sizeof(T) == 2 ? T{0} : swap_bytes(cpu.reg<T>(i.dst)));
  }
};

struct Movbe {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    set_dst<T, D>(cpu, i, swap_bytes(get_src<T, S>(cpu, i)));
  }
};

/// CBW CWDE CDQE.
template <class T>
void extend_accumulator_run(Cpu& cpu, const Insn&) {
  const u64 wide = sign_extend(cpu.reg<T>(0));
  if constexpr (sizeof(T) == 1) cpu.set_reg<u16>(0, static_cast<u16>(wide));
  if constexpr (sizeof(T) == 2) cpu.set_reg<u32>(0, static_cast<u32>(wide));
  if constexpr (sizeof(T) == 4) cpu.set_reg<u64>(0, wide);
}

/// CWD CDQ CQO.
template <class T>
void sign_to_data_run(Cpu& cpu, const Insn&) {
  cpu.set_reg<T>(8 * kRdx, sign_bit(cpu.reg<T>(0)) ? static_cast<T>(~T{0}) : T{0});
}

void xlat_run(Cpu& cpu, const Insn& i) {
  const u64 ea = cpu.state.gpr[kRbx] + cpu.reg<u8>(0);
  const u64 offset = i.address_width == 8 ? ea : ea & low_mask(i.address_width * 8);
  cpu.set_reg<u8>(0, cpu.read<u8>(static_cast<Seg>(i.segment), offset));
}

void nop_run(Cpu&, const Insn&) {}

/// The source is read, and may fault, whatever the condition; a 32-bit destination is always
/// zero-extended.
template <unsigned cc>
struct Cmov {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T value = get_src<T, S>(cpu, i);
    cpu.set_reg<T>(i.dst, condition<cc>(cpu.state.rflags) ? value : cpu.reg<T>(i.dst));
  }
};

template <unsigned cc>
void setcc_run(Cpu& cpu, const Insn& i) {
  const u8 value = condition<cc>(cpu.state.rflags);
  if (i.kinds[0] == Kind::Mem) {
    write_mem<u8>(cpu, i, value);
  } else {
    cpu.set_reg<u8>(i.dst, value);
  }
}

constexpr Binding mov{select_mov};
constexpr Binding movzx{select_extend<false>};
constexpr Binding movsx{select_extend<true>};
constexpr Binding lea = by_width<Lea>;
constexpr Binding xchg{pick<Xchg>};
constexpr Binding xadd{pick<Xadd>};
constexpr Binding cmpxchg{pick<Cmpxchg>};
template <class Half>
constexpr Binding cmpxchg_pair = one<cmpxchg_pair_run<Half>>;
constexpr Binding bswap = by_width<Bswap>;
constexpr Binding movbe{pick_wide<Movbe>};
template <class T>
constexpr Binding extend_accumulator = one<extend_accumulator_run<T>>;
template <class T>
constexpr Binding sign_to_data = one<sign_to_data_run<T>>;
constexpr Binding xlat = one<xlat_run>;
constexpr Binding nop = one<nop_run>;
template <unsigned cc>
constexpr Binding cmov{pick_wide<Cmov<cc>>};
template <unsigned cc>
constexpr Binding setcc = one<setcc_run<cc>>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/data.def"
#undef ROW
};

}  // namespace

FamilyTable data_family() { return kRows; }

}  // namespace ring3
