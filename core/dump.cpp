// SPDX-License-Identifier: MIT
#include "core/dump.h"

#include <iterator>

#include "base/log.h"

namespace ring3 {
namespace {

constexpr const char* kGprNames[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                     "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"};
constexpr const char* kSegNames[] = {"ES ", "CS ", "SS ", "DS ", "FS ", "GS ", "LDT", "TR "};

void append_general(std::string& out, const CpuState& s) {
  for (int r = 0; r < 16; ++r)
    fmt::format_to(std::back_inserter(out), "{}={:016x}{}", kGprNames[r], s.gpr[r],
                   r % 4 == 3 ? "\n" : " ");
  fmt::format_to(std::back_inserter(out), "RIP={:016x} RFL={:08x} CPL={} mode={} act={}\n", s.rip(),
                 s.rflags, s.cpl, static_cast<int>(s.mode), static_cast<int>(s.activity));
}

void append_segments(std::string& out, const CpuState& s) {
  for (size_t n = 0; n < kSegs; ++n) {
    const Segment& g = s.seg[n];
    fmt::format_to(std::back_inserter(out),
                   "{}={:04x} {:016x} {:08x} type={:x} s={} dpl={} p={} l={} db={}{}\n",
                   kSegNames[n], g.selector, g.base, g.limit, g.type, g.s ? 1 : 0, g.dpl,
                   g.present ? 1 : 0, g.l ? 1 : 0, g.db ? 1 : 0, g.usable ? "" : " unusable");
  }
  fmt::format_to(std::back_inserter(out), "GDT=     {:016x} {:04x}\nIDT=     {:016x} {:04x}\n",
                 s.gdtr.base, s.gdtr.limit, s.idtr.base, s.idtr.limit);
}

/// The code bytes around rip that a debugger's look can reach.
std::string code_at(const Cpu& cpu) {
  std::string out = "Code=";
  const u64 linear = (cpu.state.seg[kCs].access_base + cpu.state.rip()) & cpu.state.linear_mask;
  for (u64 n = 0; n < 16; ++n) {
    const Walk w = cpu.mmu.look({linear + n});
    if (!w.ok) return out + " ??";
    fmt::format_to(std::back_inserter(out), " {:02x}", cpu.mmu.memory().read<u8>(w.address));
  }
  return out;
}

}  // namespace

std::string dump_registers(const Cpu& cpu) {
  const CpuState& s = cpu.state;
  std::string out;
  append_general(out, s);
  append_segments(out, s);
  fmt::format_to(std::back_inserter(out), "CR0={:08x} CR2={:016x} CR3={:016x} CR4={:08x}\n", s.cr0,
                 s.cr2, s.cr3, s.cr4);
  fmt::format_to(std::back_inserter(out), "DR6={:08x} DR7={:08x} EFER={:016x} insns={}\n", s.dr[6],
                 s.dr[7], s.efer, s.instructions);
  return out;
}

std::string dump_machine(Cpu& cpu) {
  std::string out = dump_registers(cpu) + code_at(cpu) + "\nLast blocks, oldest first:";
  for (u32 n = 0; n < cpu.recent.size(); ++n)
    fmt::format_to(std::back_inserter(out), "{}{:x}", n % 8 == 0 ? "\n  " : " ",
                   cpu.recent[(cpu.next_recent + n) % cpu.recent.size()]);
  return out + "\n";
}

void trace_block(Cpu& cpu, const Block& block) {
  RING3_LOG(Exec, "Trace {:#018x} key={:x} insns={}", block.linear, block.key, block.insns.size());
  if (log_enabled(Log::Cpu)) spdlog::info("{}", dump_registers(cpu));
}

}  // namespace ring3
