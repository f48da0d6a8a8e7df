// SPDX-License-Identifier: MIT
// Power-on and INIT state (SDM 3A "Processor State After Reset", table "IA-32 and Intel 64
// Processor States Following Power-up, Reset, or INIT").
#include "core/cpu.h"
#include "core/debug.h"

namespace ring3 {

namespace {

constexpr u64 kResetRip = 0xFFF0;
constexpr u64 kResetCsBase = 0xFFFF0000;

Segment reset_segment(u8 type, bool s) {
  Segment seg;
  seg.type = type;
  seg.s = s;
  seg.present = seg.usable = true;
  seg.limit = 0xFFFF;
  return seg;
}

void reset_segments(CpuState& st) {
  for (unsigned n = kEs; n <= kGs; ++n) st.seg[n] = reset_segment(3, true);
  st.seg[kCs].selector = 0xF000;
  st.seg[kCs].base = kResetCsBase;
  st.seg[kLdtr] = reset_segment(2, false);
  st.seg[kTr] = reset_segment(11, false);
  st.gdtr = st.idtr = {0, 0xFFFF};
}

void reset_fpu(CpuState& st) {
  st.fpu = {};
  store<u16>(st.fpu.image, 0x0040);       // FCW after reset; FNINIT makes it 037FH
  store<u32>(st.fpu.image + 24, 0x1F80);  // MXCSR
  store<u32>(st.fpu.image + 28, 0xFFFF);  // MXCSR_MASK
}

u32 signature(const CpuModel& m) {
  const u32 family = m.family > 15 ? 15 : m.family;
  const u32 extended = m.family > 15 ? m.family - 15 : 0;
  return extended << 20 | (m.model >> 4) << 16 | family << 8 | (m.model & 15) << 4 | m.stepping;
}

}  // namespace

void Cpu::init() {
  // INIT keeps x87/SSE state, XCR0, MSRs, TSC and the CD and NW bits of CR0.
  const u64 caching = state.cr0 & (cr0::CD | cr0::NW);
  for (u64& r : state.gpr) r = 0;
  state.gpr[kRdx] = signature(model);
  state.rip() = kResetRip;
  state.rflags = flag::kFixed;
  reset_segments(state);
  state.cr0 = caching | cr0::ET;
  state.cr2 = state.cr3 = state.cr4 = state.cr8 = state.efer = 0;
  for (u64& r : state.dr) r = 0;
  state.dr[6] = dr6::kFixed;
  state.dr[7] = dr7::kFixed;
  state.cpl = 0;
  state.shadow = CpuState::kNoShadow;
  state.nmi_blocked = false;
  state.activity = CpuState::Activity::Active;
  pending_dr6 = 0;
  no_step_trap = false;
  mmu.set_efer(0);
  mmu.set_cr4(0);
  mmu.set_cr0(state.cr0);
  mmu.load_cr3(0, false, {});
  update_mode();
}

void Cpu::reset() {
  const u64 instructions = state.instructions;
  state = CpuState{};
  state.instructions = instructions;
  state.cr0 = cr0::CD | cr0::NW;
  reset_fpu(state);
  mmu.set_physical_bits(model.physical_bits);
  mmu.set_pkru(0);
  signals &= u32{kSignalIntr | kSignalStop | kSignalEvents};
  init();
  mmu.flush_all();
}

}  // namespace ring3
