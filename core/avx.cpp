// SPDX-License-Identifier: MIT
// AVX and AVX2: masked moves, gathers (element by element, each with its own fault), VZEROUPPER,
// VZEROALL, and the family's table.
#include <cstring>
#include <type_traits>

#include "core/host_exec.h"
#include "core/operands.h"
#include "core/sse.h"

namespace ring3 {
namespace {

constexpr FeatureMask kAvx{static_cast<u8>(FeatureWord::L1Ecx), 1u << 28};
constexpr FeatureMask kAvx2{static_cast<u8>(FeatureWord::L7Ebx), 1u << 5};

/// A YMM register's value.
struct Ymm {
  u8 bytes[32] = {};
  template <class T>
  T get(unsigned n) const {
    return load<T>(bytes + sizeof(T) * n);
  }
  template <class T>
  void set(unsigned n, T value) {
    store<T>(bytes + sizeof(T) * n, value);
  }
  /// The most significant bit of element n.
  template <class T>
  bool sign(unsigned n) const {
    return get<T>(n) >> (8 * sizeof(T) - 1);
  }
};

Ymm read_ymm(FpuState& f, unsigned n) {
  Ymm v;
  std::memcpy(v.bytes, fpu::xmm(f, n), 16);
  std::memcpy(v.bytes + 16, fpu::ymm_high(f, n), 16);
  return v;
}
void write_ymm(FpuState& f, unsigned n, const Ymm& v) {
  std::memcpy(fpu::xmm(f, n), v.bytes, 16);
  std::memcpy(fpu::ymm_high(f, n), v.bytes + 16, 16);
}

void zero(Cpu& cpu, bool low) {
  check_enabled(cpu, kEnableAvx, kAvx);
  const unsigned registers = cpu.state.long64() ? 16 : 8;
  FpuState& f = cpu.state.fpu;
  if (low) std::memset(fpu::xmm(f, 0), 0, 16 * registers);
  std::memset(fpu::ymm_high(f, 0), 0, 16 * registers);
}
void vzeroupper_run(Cpu& cpu, const Insn&) { zero(cpu, false); }
void vzeroall_run(Cpu& cpu, const Insn&) { zero(cpu, true); }

/// Register numbers and length of a masked move or gather, packed into Insn::imm2.
struct Fields {
  unsigned data, mask, index;
  bool wide;
};
u16 pack(const Fields& f) {
  return static_cast<u16>(f.data | f.mask << 4 | f.index << 8 | unsigned{f.wide} << 12);
}
Fields unpack(const Insn& i) {
  return {i.imm2 & 15u, i.imm2 >> 4 & 15u, i.imm2 >> 8 & 15u, (i.imm2 >> 12 & 1) != 0};
}

/// VMASKMOVPS and its like. Only elements whose mask bit is set are accessed.
template <class T, bool store_form, bool avx2>
void mask_move_run(Cpu& cpu, const Insn& i) {
  check_enabled(cpu, kEnableAvx, avx2 ? kAvx2 : kAvx);
  const Fields f = unpack(i);
  const unsigned count = (f.wide ? 32 : 16) / sizeof(T);
  const Seg seg = static_cast<Seg>(i.segment);
  const u64 base = cpu.effective_address(i);
  const u64 wrap = i.address_width == 8 ? ~u64{0} : low_mask(8 * i.address_width);
  auto at = [&](unsigned n) { return (base + sizeof(T) * n) & wrap; };
  const Ymm mask = read_ymm(cpu.state.fpu, f.mask);
  if constexpr (store_form) {
    const Ymm data = read_ymm(cpu.state.fpu, f.data);
    for (unsigned n = 0; n < count; ++n)
      if (mask.sign<T>(n)) cpu.probe_write(seg, at(n), sizeof(T));
    for (unsigned n = 0; n < count; ++n)
      if (mask.sign<T>(n)) cpu.write<T>(seg, at(n), data.get<T>(n));
  } else {
    Ymm data;
    for (unsigned n = 0; n < count; ++n)
      if (mask.sign<T>(n)) data.set<T>(n, cpu.read<T>(seg, at(n)));
    write_ymm(cpu.state.fpu, f.data, data);
  }
}

template <class T, bool avx2>
Handler mask_move_form(const Decoded& d) {
  return d.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? mask_move_run<T, true, avx2>
                                                         : mask_move_run<T, false, avx2>;
}

unsigned register_number(const ZydisDecodedOperand& op) {
  return static_cast<unsigned>(ZydisRegisterGetId(op.reg.value)) & 15;
}

Handler select_mask_move(Insn& insn, const Decoded& d) {
  const bool store_form = d.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
  insn.imm2 = pack({register_number(d.operands[store_form ? 2 : 0]), register_number(d.operands[1]),
                    0, d.insn.raw.vex.L != 0});
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_VMASKMOVPS:
      return mask_move_form<u32, false>(d);
    case ZYDIS_MNEMONIC_VMASKMOVPD:
      return mask_move_form<u64, false>(d);
    case ZYDIS_MNEMONIC_VPMASKMOVD:
      return mask_move_form<u32, true>(d);
    default:
      return mask_move_form<u64, true>(d);
  }
}

/// Elements from the least significant on. At a fault, those before it are written and their mask
/// bits clear, so that the instruction goes on where it stopped (SDM 2C VGATHERDPS).
template <class T, class Index>
void gather_run(Cpu& cpu, const Insn& i) {
  check_enabled(cpu, kEnableAvx, kAvx2);
  const Fields f = unpack(i);
  // Destination, index and mask must be three registers, else #UD.
  require(f.data != f.mask && f.data != f.index && f.mask != f.index, UD());
  const unsigned count = (f.wide ? 32 : 16) / (std::max(sizeof(T), sizeof(Index)));
  FpuState& fpu = cpu.state.fpu;
  const Ymm index = read_ymm(fpu, f.index), old = read_ymm(fpu, f.data);
  const Ymm mask_in = read_ymm(fpu, f.mask);
  Ymm data, mask;
  for (unsigned n = 0; n < count; ++n) {
    data.set<T>(n, old.get<T>(n));
    mask.set<T>(n, mask_in.sign<T>(n) ? static_cast<T>(~T{0}) : T{0});
  }
  const u64 wrap = i.address_width == 8 ? ~u64{0} : low_mask(8 * i.address_width);
  const u64 base = cpu.state.gpr[i.base] + static_cast<u64>(i.disp);
  for (unsigned n = 0; n < count; ++n) {
    if (mask.sign<T>(n)) {
      const u64 offset = (base + (sign_extend(index.get<Index>(n)) << i.scale)) & wrap;
      data.set<T>(n, cpu.read<T>(static_cast<Seg>(i.segment), offset));
      mask.set<T>(n, 0);
    }
    write_ymm(fpu, f.data, data);
    write_ymm(fpu, f.mask, mask);
  }
}

Handler select_gather(Insn& insn, const Decoded& d) {
  const unsigned index = static_cast<unsigned>(ZydisRegisterGetId(d.operands[1].mem.index)) & 15;
  insn.imm2 = pack({register_number(d.operands[0]), register_number(d.operands[2]), index,
                    d.insn.raw.vex.L != 0});
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_VGATHERDPS:
    case ZYDIS_MNEMONIC_VPGATHERDD:
      return gather_run<u32, u32>;
    case ZYDIS_MNEMONIC_VGATHERQPS:
    case ZYDIS_MNEMONIC_VPGATHERQD:
      return gather_run<u32, u64>;
    case ZYDIS_MNEMONIC_VGATHERDPD:
    case ZYDIS_MNEMONIC_VPGATHERDQ:
      return gather_run<u64, u32>;
    default:
      return gather_run<u64, u64>;
  }
}

constexpr Binding vzeroupper = one<vzeroupper_run>, vzeroall = one<vzeroall_run>,
                  mask_move{select_mask_move}, gather{select_gather};

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/avx.def"
#undef ROW
};

}  // namespace

FamilyTable avx_family() { return kRows; }

}  // namespace ring3
