// SPDX-License-Identifier: MIT
// x87: the instructions that the host cannot run for us because they store or load pointers or
// control state as a block (SDM 1 "x87 FPU Environment"), and the family's table. Not emulated:
// FERR# with CR0.NE = 0 (see simd_enable.cpp).
#include <cstring>

#include "core/host_exec.h"
#include "core/operands.h"
#include "core/x87_environment.h"

namespace ring3 {
namespace {

/// A non-waiting instruction runs with an exception pending.
void fnstcw_run(Cpu& cpu, const Insn& i) {
  check_x87_no_wait(cpu);
  write_mem<u16>(cpu, i, fpu::fcw(cpu.state.fpu));
}

void fnstsw_run(Cpu& cpu, const Insn& i) {
  check_x87_no_wait(cpu);
  const u16 fsw = fpu::fsw(cpu.state.fpu);
  i.kinds[0] == Kind::Mem ? write_mem<u16>(cpu, i, fsw) : cpu.set_reg<u16>(0, fsw);
}

void fnclex_run(Cpu& cpu, const Insn&) {
  check_x87_no_wait(cpu);
  FpuState& f = cpu.state.fpu;
  constexpr u16 kKept = 0x7F00;  // condition codes and TOP
  fpu::set<u16>(f, fpu::kFsw, fpu::fsw(f) & kKept);
}

void fninit_run(Cpu& cpu, const Insn&) {
  check_x87_no_wait(cpu);
  fpu::init_x87(cpu.state.fpu);
}

void fwait_run(Cpu& cpu, const Insn&) {
  constexpr u64 kBoth = cr0::MP | cr0::TS;
  require((cpu.state.cr0 & kBoth) != kBoth, NM());
  check_x87_pending(cpu);
}

/// FENI, FDISI and FSETPM of the 8087 and 80287.
void nop_run(Cpu& cpu, const Insn&) { check_x87_no_wait(cpu); }

template <unsigned n>
struct Bytes {
  u8 value[n];
};

constexpr unsigned kEnv16 = 14, kEnv32 = 28, kRegisters = 80;

template <unsigned n, class F>
void store_block(Cpu& cpu, const Insn& i, F&& fill) {
  Bytes<n> out{};
  fill(out.value);
  write_mem<Bytes<n>>(cpu, i, out);
}
template <unsigned n, class F>
void load_block(Cpu& cpu, const Insn& i, F&& take) {
  const Bytes<n> in = read_mem<Bytes<n>>(cpu, i);
  take(in.value);
}

void fnstenv_run(Cpu& cpu, const Insn& i) {
  check_x87_no_wait(cpu);
  const EnvLayout layout = env_layout(cpu, i);
  auto fill = [&](u8* p) { store_environment(cpu.state, layout, p); };
  layout.wide ? store_block<kEnv32>(cpu, i, fill) : store_block<kEnv16>(cpu, i, fill);
  // Masks every exception, so none is pending any more.
  FpuState& f = cpu.state.fpu;
  const u16 fcw = fpu::fcw(f) | 0x3F;
  fpu::set<u16>(f, fpu::kFcw, fcw);
  fpu::set<u16>(f, fpu::kFsw, fpu::with_summary(fpu::fsw(f), fcw));
}

void fldenv_run(Cpu& cpu, const Insn& i) {
  check_x87(cpu);
  const EnvLayout layout = env_layout(cpu, i);
  auto take = [&](const u8* p) { load_environment(cpu.state, layout, p); };
  layout.wide ? load_block<kEnv32>(cpu, i, take) : load_block<kEnv16>(cpu, i, take);
}

void fnsave_run(Cpu& cpu, const Insn& i) {
  check_x87_no_wait(cpu);
  const EnvLayout layout = env_layout(cpu, i);
  FpuState& f = cpu.state.fpu;
  auto fill = [&](u8* p) {
    store_environment(cpu.state, layout, p);
    p += layout.wide ? kEnv32 : kEnv16;
    for (unsigned n = 0; n < 8; ++n) std::memcpy(p + 10 * n, f.image + fpu::kSt + 16 * n, 10);
  };
  layout.wide ? store_block<kEnv32 + kRegisters>(cpu, i, fill)
              : store_block<kEnv16 + kRegisters>(cpu, i, fill);
  fpu::init_x87(f);
}

void frstor_run(Cpu& cpu, const Insn& i) {
  check_x87(cpu);
  const EnvLayout layout = env_layout(cpu, i);
  FpuState& f = cpu.state.fpu;
  auto take = [&](const u8* p) {
    load_environment(cpu.state, layout, p);
    p += layout.wide ? kEnv32 : kEnv16;
    for (unsigned n = 0; n < 8; ++n) std::memcpy(f.image + fpu::kSt + 16 * n, p + 10 * n, 10);
  };
  layout.wide ? load_block<kEnv32 + kRegisters>(cpu, i, take)
              : load_block<kEnv16 + kRegisters>(cpu, i, take);
}

/// Raises #UD first on a model without x87.
template <Handler handler>
void with_fpu(Cpu& cpu, const Insn& i) {
  require(cpu.model.has(FeatureWord::L1Edx, 0), UD());
  handler(cpu, i);
}

constexpr Binding fnstcw = one<with_fpu<fnstcw_run>>, fnstsw = one<with_fpu<fnstsw_run>>,
                  fnclex = one<with_fpu<fnclex_run>>, fninit = one<with_fpu<fninit_run>>,
                  fwait = one<fwait_run>, x87_nop = one<with_fpu<nop_run>>,
                  fnstenv = one<with_fpu<fnstenv_run>>, fldenv = one<with_fpu<fldenv_run>>,
                  fnsave = one<with_fpu<fnsave_run>>, frstor = one<with_fpu<frstor_run>>;

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/x87.def"
#undef ROW
};

}  // namespace

FamilyTable x87_family() { return kRows; }

}  // namespace ring3
