// SPDX-License-Identifier: MIT
// SSE: what touches memory in ways of its own, cache control, and the family's table. Not emulated:
// caches. CLFLUSH checks its address and does nothing; PREFETCHh does nothing.
#include "core/sse.h"

#include <atomic>

#include "core/host_exec.h"
#include "core/operands.h"

namespace ring3 {
namespace {

template <u8 enable, FeatureWord word, unsigned number>
void ldmxcsr_run(Cpu& cpu, const Insn& i) {
  check_enabled(cpu, enable, {static_cast<u8>(word), 1u << number});
  const u32 value = read_mem<u32>(cpu, i);
  // Reserved bits must be zero, else #GP(0).
  require((value & ~fpu::kMxcsrMask) == 0, GP(0));
  fpu::set_mxcsr(cpu.state.fpu, value);
}

template <u8 enable, FeatureWord word, unsigned number>
void stmxcsr_run(Cpu& cpu, const Insn& i) {
  check_enabled(cpu, enable, {static_cast<u8>(word), 1u << number});
  write_mem<u32>(cpu, i, fpu::mxcsr(cpu.state.fpu));
}

void maskmov_bytes(Cpu& cpu, const Insn& i, const u8* value, const u8* mask, unsigned bytes) {
  const Seg seg = static_cast<Seg>(i.segment);
  const u64 base = cpu.effective_address(i);
  const u64 wrap = i.address_width == 8 ? ~u64{0} : low_mask(8 * i.address_width);
  // Every byte that will be written is checked before the first is.
  for (unsigned n = 0; n < bytes; ++n)
    if (mask[n] & 0x80) cpu.probe_write(seg, (base + n) & wrap, 1);
  for (unsigned n = 0; n < bytes; ++n)
    if (mask[n] & 0x80) cpu.write<u8>(seg, (base + n) & wrap, value[n]);
}

template <u8 enable, FeatureWord word, unsigned number>
void maskmovdqu_run(Cpu& cpu, const Insn& i) {
  check_enabled(cpu, enable, {static_cast<u8>(word), 1u << number});
  FpuState& f = cpu.state.fpu;
  maskmov_bytes(cpu, i, fpu::xmm(f, i.dst), fpu::xmm(f, i.src), 16);
}

/// MMX registers are physical: MMn stands in ST((n - TOP) mod 8). The x87 state is left as every
/// MMX instruction leaves it: TOP 0, all tags valid.
void maskmovq_run(Cpu& cpu, const Insn& i) {
  check_enabled(cpu, kEnableMmx, {static_cast<u8>(FeatureWord::L1Edx), 1u << 25});
  FpuState& f = cpu.state.fpu;
  auto mm = [&](unsigned n) { return f.image + fpu::kSt + 16 * ((n - fpu::top(f)) & 7); };
  maskmov_bytes(cpu, i, mm(i.dst & 7), mm(i.src & 7), 8);
  enter_mmx(f);
}

void fence_run(Cpu& cpu, const Insn&) {
  require(cpu.model.has(FeatureWord::L1Edx, 25), UD());
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

/// A hint: no access, no fault.
void prefetch_run(Cpu&, const Insn&) {}

/// Faults as a one-byte load would.
template <FeatureWord word, unsigned number>
void clflush_run(Cpu& cpu, const Insn& i) {
  require(cpu.model.has(word, number), UD());
  const Seg seg = static_cast<Seg>(i.segment);
  const u64 linear = cpu.linear_address<Access::Read>(seg, cpu.effective_address(i), 1);
  cpu.probe_linear(linear, 1, Access::Read, cpu.data_view(), seg);
}

Handler select_clflush(Insn&, const Decoded& d) {
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_CLFLUSHOPT:
      return clflush_run<FeatureWord::L7Ebx, 23>;
    case ZYDIS_MNEMONIC_CLWB:
      return clflush_run<FeatureWord::L7Ebx, 24>;
    default:
      return clflush_run<FeatureWord::L1Edx, 19>;
  }
}

constexpr Binding fence = one<fence_run>, prefetch = one<prefetch_run>, clflush{select_clflush};

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/sse.def"
#undef ROW
};

bool is_vex(const Decoded& d) { return d.insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX; }

/// The hidden destination is [rDI]: as a memory operand without index and displacement.
void lower_destination(Insn& insn, const Decoded& d) {
  insn.base = kRdi;
  insn.index = CpuState::kZeroSlot;
  insn.disp = 0;
  for (unsigned n = 0; n < d.insn.operand_count; ++n)
    if (d.operands[n].type == ZYDIS_OPERAND_TYPE_MEMORY)
      insn.segment = static_cast<u8>(d.operands[n].mem.segment - ZYDIS_REGISTER_ES);
}

}  // namespace

void enter_mmx(FpuState& f) {
  u8 registers[128];
  for (unsigned n = 0; n < 8; ++n)
    std::memcpy(registers + 16 * n, f.image + fpu::kSt + 16 * ((n - fpu::top(f)) & 7), 16);
  std::memcpy(f.image + fpu::kSt, registers, sizeof registers);
  fpu::set<u16>(f, fpu::kFsw, fpu::fsw(f) & static_cast<u16>(~0x3800));
  fpu::set<u8>(f, fpu::kFtw, 0xFF);
}

Handler select_ldmxcsr(Insn&, const Decoded& d) {
  if (is_vex(d)) return ldmxcsr_run<kEnableAvx, FeatureWord::L1Ecx, 28>;
  return ldmxcsr_run<kEnableSse, FeatureWord::L1Edx, 25>;
}

Handler select_stmxcsr(Insn&, const Decoded& d) {
  if (is_vex(d)) return stmxcsr_run<kEnableAvx, FeatureWord::L1Ecx, 28>;
  return stmxcsr_run<kEnableSse, FeatureWord::L1Edx, 25>;
}

Handler select_maskmovdqu(Insn& insn, const Decoded& d) {
  lower_destination(insn, d);
  if (is_vex(d)) return maskmovdqu_run<kEnableAvx, FeatureWord::L1Ecx, 28>;
  return maskmovdqu_run<kEnableSse, FeatureWord::L1Edx, 26>;
}

Handler select_maskmovq(Insn& insn, const Decoded& d) {
  lower_destination(insn, d);
  return maskmovq_run;
}

FamilyTable sse_family() { return kRows; }

}  // namespace ring3
