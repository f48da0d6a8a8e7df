// SPDX-License-Identifier: MIT
// SYSCALL, SYSRET, SYSENTER, SYSEXIT (SDM 2B). Segments are set flat, without descriptor reads.
// AMD models have SYSCALL outside 64-bit mode, Intel ones have SYSENTER in IA-32e mode (AMD APM 3).
#include "core/far.h"
#include "core/feature_bits.h"

namespace ring3 {

namespace {

void set_flat(Cpu& cpu, u16 cs, u16 ss, u8 cpl, bool long64) {
  CpuState& st = cpu.state;
  st.seg[kCs] = flat_code(cs, cpl, long64);
  st.seg[kSs] = flat_stack(ss, cpl);
  st.cpl = cpl;
}

bool is_amd(const Cpu& cpu) { return cpu.model.vendor == "AuthenticAMD"; }

// EFER.SCE; outside 64-bit mode only AMD has the pair, in protected mode.
void require_syscall(const Cpu& cpu) {
  require(cpu.state.efer & efer::SCE, UD());
  require(cpu.state.long64() || (is_amd(cpu) && cpu.state.protected_mode()), UD());
}

// AMD outside IA-32e mode: EIP from STAR[31:0], RFLAGS not saved.
void legacy_syscall(Cpu& cpu) {
  CpuState& st = cpu.state;
  st.gpr[kRcx] = st.rip();
  st.rip() = bits(st.star, 31, 0);
  st.rflags &= ~(flag::VM | flag::IF | flag::RF);
  const u16 cs = bits(st.star, 47, 32) & 0xFFFC;
  set_flat(cpu, cs, static_cast<u16>(cs + 8), 0, false);
  cpu.update_mode();
}

void require_sysenter(const Cpu& cpu) {
  require(has(cpu.model, feature::SEP), UD());
  require(!is_amd(cpu) || !cpu.state.long_mode(), UD());
  require((cpu.state.cr0 & cr0::PE) && (cpu.state.sysenter_cs & 0xFFFC), GP(u16{0}));
}

u16 with_rpl3(u64 selector) { return static_cast<u16>(selector | 3); }

}  // namespace

void syscall(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::SyscallSysret);
  CpuState& st = cpu.state;
  require_syscall(cpu);
  if (!st.long_mode()) return legacy_syscall(cpu);
  st.gpr[kRcx] = st.rip();
  st.gpr[kR11] = st.rflags & ~flag::RF;
  st.rip() = st.long64() ? st.lstar : st.cstar;
  st.rflags = (st.rflags & ~st.fmask & ~flag::RF) | flag::kFixed;
  const u16 cs = bits(st.star, 47, 32) & 0xFFFC;
  set_flat(cpu, cs, static_cast<u16>(bits(st.star, 47, 32) + 8), 0, true);
  cpu.no_step_trap = !st.has(flag::TF);
  cpu.update_level();
}

void sysret(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::SyscallSysret);
  CpuState& st = cpu.state;
  require_syscall(cpu);
  require(st.cpl == 0, GP(u16{0}));
  const bool long64 = i.operand_width == 8;
  // A non-canonical RCX is #GP(0), still at CPL 0.
  if (long64) require(cpu.canonical(st.gpr[kRcx]), GP(u16{0}));
  st.rip() = long64 ? st.gpr[kRcx] : st.gpr[kRcx] & 0xFFFFFFFF;
  st.rflags = st.long_mode() ? (st.gpr[kR11] & kSysretFlags) | flag::kFixed : st.rflags | flag::IF;
  const u64 base = bits(st.star, 63, 48);
  set_flat(cpu, with_rpl3(long64 ? base + 16 : base), with_rpl3(base + 8), 3, long64);
  cpu.update_level();
}

void sysenter(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Sysenter);
  CpuState& st = cpu.state;
  require_sysenter(cpu);
  const bool long64 = st.long_mode();
  st.rflags &= ~(flag::VM | flag::IF | flag::RF);
  st.gpr[kRsp] = long64 ? st.sysenter_esp : st.sysenter_esp & 0xFFFFFFFF;
  st.rip() = long64 ? st.sysenter_eip : st.sysenter_eip & 0xFFFFFFFF;
  const u16 cs = st.sysenter_cs & 0xFFFC;
  set_flat(cpu, cs, static_cast<u16>(cs + 8), 0, long64);
  cpu.update_mode();
}

void sysexit(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Sysenter);
  CpuState& st = cpu.state;
  require_sysenter(cpu);
  require(st.cpl == 0, GP(u16{0}));
  const bool long64 = i.operand_width == 8;
  if (long64) require(cpu.canonical(st.gpr[kRcx]) && cpu.canonical(st.gpr[kRdx]), GP(u16{0}));
  st.gpr[kRsp] = long64 ? st.gpr[kRcx] : st.gpr[kRcx] & 0xFFFFFFFF;
  st.rip() = long64 ? st.gpr[kRdx] : st.gpr[kRdx] & 0xFFFFFFFF;
  const u64 cs = st.sysenter_cs + (long64 ? 32 : 16);
  set_flat(cpu, with_rpl3(cs), with_rpl3(cs + 8), 3, long64);
  cpu.update_mode();
}

}  // namespace ring3
