// SPDX-License-Identifier: MIT
// AAA AAS AAM AAD DAA DAS SALC: 16 and 32-bit code only.
#include "core/decimal.h"

#include "core/operands.h"

namespace ring3 {
namespace {

template <bool subtract>
void packed_run(Cpu& cpu, const Insn&) {
  const Alu<u8> r = decimal::packed<subtract>(cpu.reg<u8>(0), cpu.state.rflags);
  cpu.set_reg<u8>(0, r.value);
  set_flags(cpu, flag::kArith, r.flags);
}

template <bool subtract>
void unpacked_run(Cpu& cpu, const Insn&) {
  const Alu<u16> r = decimal::unpacked<subtract>(cpu.reg<u16>(0), cpu.state.rflags);
  cpu.set_reg<u16>(0, r.value);
  set_flags(cpu, flag::kArith, r.flags);
}

void aam_run(Cpu& cpu, const Insn& i) {
  const u8 base = static_cast<u8>(i.imm), al = cpu.reg<u8>(0);
  require(base != 0, DE());
  const u8 low = al % base;
  cpu.set_reg<u16>(0, static_cast<u16>((al / base) << 8 | low));
  set_flags(cpu, flag::kArith, result_flags(low));
}

void aad_run(Cpu& cpu, const Insn& i) {
  const u16 ax = cpu.reg<u16>(0);
  const u8 low = static_cast<u8>((ax & 0xFF) + (ax >> 8) * static_cast<u8>(i.imm));
  cpu.set_reg<u16>(0, low);
  set_flags(cpu, flag::kArith, result_flags(low));
}

void salc_run(Cpu& cpu, const Insn&) { cpu.set_reg<u8>(0, cpu.state.has(flag::CF) ? 0xFF : 0); }

constexpr Binding aaa = one<unpacked_run<false>>;
constexpr Binding aas = one<unpacked_run<true>>;
constexpr Binding daa = one<packed_run<false>>;
constexpr Binding das = one<packed_run<true>>;
constexpr Binding aam = one<aam_run>;
constexpr Binding aad = one<aad_run>;
constexpr Binding salc = one<salc_run>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/decimal.def"
#undef ROW
};

}  // namespace

FamilyTable decimal_family() { return kRows; }

}  // namespace ring3
