// SPDX-License-Identifier: MIT
// CLC STC CMC CLD STD LAHF SAHF.
#include "core/operands.h"

namespace ring3 {
namespace {

template <u64 mask, u64 value>
void put(Cpu& cpu, const Insn&) {
  set_flags(cpu, mask, value);
}

void cmc_run(Cpu& cpu, const Insn&) { cpu.state.rflags ^= flag::CF; }

constexpr u64 kAhFlags = flag::SF | flag::ZF | flag::AF | flag::PF | flag::CF;

void lahf_run(Cpu& cpu, const Insn&) {
  cpu.set_reg<u8>(1, static_cast<u8>((cpu.state.rflags & kAhFlags) | flag::kFixed));
}

void sahf_run(Cpu& cpu, const Insn&) { set_flags(cpu, kAhFlags, cpu.reg<u8>(1) & kAhFlags); }

constexpr Binding clc = one<put<flag::CF, 0>>;
constexpr Binding stc = one<put<flag::CF, flag::CF>>;
constexpr Binding cmc = one<cmc_run>;
constexpr Binding cld = one<put<flag::DF, 0>>;
constexpr Binding std_ = one<put<flag::DF, flag::DF>>;
constexpr Binding lahf = one<lahf_run>;
constexpr Binding sahf = one<sahf_run>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/flags.def"
#undef ROW
};

}  // namespace

FamilyTable flags_family() { return kRows; }

}  // namespace ring3
