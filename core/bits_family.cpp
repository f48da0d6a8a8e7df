// SPDX-License-Identifier: MIT
// Bit tests and scans, BMI1/BMI2, ADX, CRC32. Undefined flags are left as current silicon leaves
// them where the interp-vs-silicon test showed one answer; it ignores them otherwise.
#include "core/bitops.h"
#include "core/cpu_model.h"
#include "core/operands.h"

namespace ring3 {
namespace {

/// A bit index in a register reaches beyond a memory operand: by whole operands, signed.
template <class T>
u64 bit_string_offset(Cpu& cpu, const Insn& i) {
  const i64 index = static_cast<i64>(sign_extend(cpu.reg<T>(i.src)));
  const u64 bytes = static_cast<u64>((index >> (std::countr_zero(kBits<T>))) * i64{sizeof(T)});
  const u64 ea = cpu.effective_address(i) + bytes;
  return i.address_width == 8 ? ea : ea & low_mask(i.address_width * 8);
}

template <class Op>
struct BitTest {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const u64 index = S == Kind::Imm ? i.imm : cpu.reg<T>(i.src);
    const T mask = static_cast<T>(T{1} << (index % kBits<T>));
    bool carry = false;
    const auto op = [&](T a) {
      carry = a & mask;
      return Op::run(a, mask);
    };
    if constexpr (D == Kind::Mem) {
      const u64 offset = S == Kind::Imm ? cpu.effective_address(i) : bit_string_offset<T>(cpu, i);
      const Seg seg = static_cast<Seg>(i.segment);
      if constexpr (std::is_same_v<Op, bitops::Bt>) {
        op(cpu.read<T>(seg, offset));
      } else {
        cpu.modify<T>(seg, offset, i.locked(), op);
      }
    } else {
      const T r = op(cpu.reg<T>(i.dst));
      if constexpr (!std::is_same_v<Op, bitops::Bt>) cpu.set_reg<T>(i.dst, r);
    }
    set_flags(cpu, flag::CF, flag_if(carry, flag::CF));
  }
};

/// BSF and BSR: a zero source sets ZF and leaves the destination (AMD documents it, Intel does it).
template <bool forward>
struct Scan {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T a = get_src<T, S>(cpu, i);
    set_flags(cpu, flag::ZF, flag_if(a == 0, flag::ZF));
    if (a == 0) return;
    const int n = forward ? std::countr_zero(a) : std::bit_width(a) - 1;
    cpu.set_reg<T>(i.dst, static_cast<T>(n));
  }
};

template <class Op>
struct Unary {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const Alu<T> r = Op::run(get_src<T, S>(cpu, i));
    cpu.set_reg<T>(i.dst, r.value);
    if constexpr (!dead) set_flags(cpu, Op::kWrites, r.flags);
  }
};

/// dst = op(operand 1, operand 2), operand 2 may be in memory.
template <class Op>
struct Binary {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const T b = i.kinds[2] == Kind::Mem ? read_mem<T>(cpu, i) : cpu.reg<T>(i.src2);
    const Alu<T> r = Op::run(cpu.reg<T>(i.src), b);
    cpu.set_reg<T>(i.dst, r.value);
    if constexpr (!dead && Op::kWrites != 0) set_flags(cpu, Op::kWrites, r.flags);
  }
};

/// dst = op(operand 1, operand 2), operand 1 may be in memory.
template <class Op>
struct Indexed {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const Alu<T> r = Op::run(get_src<T, S>(cpu, i), cpu.reg<T>(i.src2));
    cpu.set_reg<T>(i.dst, r.value);
    if constexpr (!dead) set_flags(cpu, Op::kWrites, r.flags);
  }
};

template <u64 carry_flag>
struct AddCarry {
  template <class T, Kind D, Kind S, bool dead>
  static void run(Cpu& cpu, const Insn& i) {
    const Alu<T> r =
        alu::add(cpu.reg<T>(i.dst), get_src<T, S>(cpu, i), cpu.state.rflags & carry_flag);
    cpu.set_reg<T>(i.dst, r.value);
    set_flags(cpu, carry_flag, flag_if(r.flags & flag::CF, carry_flag));
  }
};

template <class T>
void crc32_run(Cpu& cpu, const Insn& i) {
  const T data = i.kinds[1] == Kind::Mem ? read_mem<T>(cpu, i) : cpu.reg<T>(i.src);
  cpu.set_reg<u32>(i.dst, bitops::crc32c(cpu.reg<u32>(i.dst), data));
}

template <class Op>
constexpr Binding bit_test{[](Insn& i, const Decoded& d) -> Handler {
  return i.kinds[1] == Kind::Imm || i.kinds[0] == Kind::Mem ? pick<BitTest<Op>>(i, d)
                                                            : pick_wide<BitTest<Op>>(i, d);
}};
template <class Op>
constexpr Binding unary{pick_wide<Unary<Op>>};
template <class Op>
constexpr Binding binary{pick_wide<Binary<Op>>};
template <class Op>
constexpr Binding indexed{pick_wide<Indexed<Op>>};
template <u64 carry_flag>
constexpr Binding add_carry{pick_wide<AddCarry<carry_flag>>};
constexpr Binding scan_forward{pick_wide<Scan<true>>};
constexpr Binding scan_reverse{pick_wide<Scan<false>>};
constexpr Binding crc32{[](Insn& i, const Decoded&) -> Handler {
  switch (i.src_width) {
    case 1:
      return crc32_run<u8>;
    case 2:
      return crc32_run<u16>;
    case 4:
      return crc32_run<u32>;
    default:
      return crc32_run<u64>;
  }
}};

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/bits.def"
#undef ROW
};

}  // namespace

FamilyTable bits_family() { return kRows; }

}  // namespace ring3
