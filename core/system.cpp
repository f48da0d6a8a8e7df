// SPDX-License-Identifier: MIT
// The rows of the system family and its short handlers: HLT, CLTS, INVLPG, INVPCID, MSRs, FS and GS
// bases, PKRU, XCR0, MONITOR (SDM 2A, 2B, 2C, 2D). Not emulated: a monitored store ending MWAIT
// (MWAIT ends at once, as the manual allows), VMX, SMX, SGX, CET.
#include "core/system.h"

#include "core/feature_bits.h"
#include "core/handlers.h"
#include "core/operands.h"
#include "core/system_ops.h"

namespace ring3 {

namespace {

void require_cpl0(const Cpu& cpu) { require(cpu.state.cpl == 0, GP(u16{0})); }

u64 edx_eax(const Cpu& cpu) { return u64{cpu.reg<u32>(kRdx * 8)} << 32 | cpu.reg<u32>(kRax * 8); }

void clts(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::CrAccess);
  require_cpl0(cpu);
  cpu.state.cr0 &= ~cr0::TS;
}

void hlt(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Hlt);
  require_cpl0(cpu);
  cpu.state.activity = CpuState::Activity::Halted;
}

// Flushes nothing if the address is not canonical (SDM 2A INVLPG).
void invlpg(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Invlpg);
  require(i.kinds[0] == Kind::Mem, UD());
  require_cpl0(cpu);
  const CpuState& st = cpu.state;
  const u64 linear = (st.seg[i.segment].access_base + cpu.effective_address(i)) & st.linear_mask;
  if (!st.long64() || cpu.canonical(linear)) cpu.mmu.invlpg({linear});
}

void invpcid(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Invpcid);
  require(has(cpu.model, feature::INVPCID) && i.kinds[1] == Kind::Mem, UD());
  require_cpl0(cpu);
  const u64 type = cpu.state.long64() ? cpu.reg<u64>(i.dst) : cpu.reg<u32>(i.dst);
  const Seg seg = static_cast<Seg>(i.segment);
  const u64 at = cpu.effective_address(i);
  const u64 pcid = cpu.read<u64>(seg, at);
  const u64 linear = cpu.read<u64>(seg, (at + 8) & low_mask(i.address_width * 8u));
  require(type <= 3, GP(u16{0}));
  if (type <= 1) {
    // Reserved bits of the descriptor, and a PCID while CR4.PCIDE = 0, are #GP(0).
    require(pcid < 0x1000 && (pcid == 0 || (cpu.state.cr4 & cr4::PCIDE)), GP(u16{0}));
  }
  if (type == 0) require(cpu.canonical(linear), GP(u16{0}));
  cpu.mmu.invpcid(static_cast<unsigned>(type), static_cast<u16>(pcid), {linear});
}

// Host caches are coherent: nothing to do.
template <ExitReason reason>
void cache_flush(Cpu& cpu, const Insn&) {
  cpu.exits.add(reason);
  require_cpl0(cpu);
}

void rdmsr(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Rdmsr);
  require_cpl0(cpu);
  const u64 value = read_msr(cpu, cpu.reg<u32>(kRcx * 8));
  cpu.set_reg<u32>(kRax * 8, static_cast<u32>(value));
  cpu.set_reg<u32>(kRdx * 8, static_cast<u32>(value >> 32));
}

void wrmsr(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Wrmsr);
  require_cpl0(cpu);
  write_msr(cpu, cpu.reg<u32>(kRcx * 8), edx_eax(cpu));
}

void swapgs(Cpu& cpu, const Insn&) {
  CpuState& st = cpu.state;
  require(st.long64(), UD());
  require_cpl0(cpu);
  Segment& gs = st.seg[kGs];
  std::swap(gs.base, st.kernel_gs_base);
  gs.access_base = gs.base;
}

void require_fsgsbase(const Cpu& cpu) {
  require(cpu.state.long64() && (cpu.state.cr4 & cr4::FSGSBASE), UD());
}

template <Seg seg>
void rdsegbase(Cpu& cpu, const Insn& i) {
  require_fsgsbase(cpu);
  const u64 base = cpu.state.seg[seg].base;
  cpu.set_reg<u64>(i.dst, i.width == 8 ? base : base & 0xFFFFFFFF);
}

template <Seg seg>
void wrsegbase(Cpu& cpu, const Insn& i) {
  require_fsgsbase(cpu);
  const u64 base = i.width == 8 ? cpu.reg<u64>(i.dst) : cpu.reg<u32>(i.dst);
  require(cpu.canonical(base), GP(u16{0}));
  cpu.state.seg[seg].base = cpu.state.seg[seg].access_base = base;
}

void rdpkru(Cpu& cpu, const Insn&) {
  require(cpu.state.cr4 & cr4::PKE, UD());
  require(cpu.reg<u32>(kRcx * 8) == 0, GP(u16{0}));
  cpu.set_reg<u32>(kRax * 8, cpu.state.pkru);
  cpu.set_reg<u32>(kRdx * 8, 0);
}

void wrpkru(Cpu& cpu, const Insn&) {
  require(cpu.state.cr4 & cr4::PKE, UD());
  require(cpu.reg<u32>(kRcx * 8) == 0 && cpu.reg<u32>(kRdx * 8) == 0, GP(u16{0}));
  cpu.state.pkru = cpu.reg<u32>(kRax * 8);
  cpu.mmu.set_pkru(cpu.state.pkru);
}

// x87 must stay enabled, AVX needs SSE, and CPUID leaf 0DH says which bits exist.
void xsetbv(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Xsetbv);
  require(cpu.state.cr4 & cr4::OSXSAVE, UD());
  require_cpl0(cpu);
  const u64 value = edx_eax(cpu);
  const CpuidResult supported = cpu.model.cpuid(0xD, 0);
  const u64 allowed = u64{supported.edx} << 32 | supported.eax;
  require(cpu.reg<u32>(kRcx * 8) == 0 && (value & ~allowed) == 0, GP(u16{0}));
  require((value & 1) && (value & 6) != 4, GP(u16{0}));
  cpu.state.xcr0 = value;
}

void require_monitor(const Cpu& cpu) {
  require(has(cpu.model, feature::MONITOR) && cpu.state.cpl == 0, UD());
}

void monitor(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Monitor);
  require_monitor(cpu);
  require(cpu.reg<u32>(kRcx * 8) == 0, GP(u16{0}));
  const u64 at = cpu.state.gpr[kRax] & low_mask(i.address_width * 8u);
  cpu.read<u8>(static_cast<Seg>(i.segment), at);
}

void mwait(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Mwait);
  require_monitor(cpu);
  require((cpu.reg<u32>(kRcx * 8) & ~1u) == 0, GP(u16{0}));
}

void pause(Cpu& cpu, const Insn&) { cpu.exits.add(ExitReason::Pause); }

/// Instructions take effect in order, and code that was written is seen: nothing is left to do.
void serialize(Cpu& cpu, const Insn&) { require(has(cpu.model, feature::SERIALIZE), UD()); }

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/system.def"
#undef ROW
};

}  // namespace

FamilyTable system_family() { return kRows; }

}  // namespace ring3
