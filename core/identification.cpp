// SPDX-License-Identifier: MIT
// CPUID, time-stamp counter, random numbers (SDM 2A, 2B). Not emulated: performance counters, so
// that every RDPMC index is invalid.
#include <random>

#include "core/feature_bits.h"
#include "core/handlers.h"
#include "core/operands.h"
#include "core/system_ops.h"

namespace ring3 {

namespace {

constexpr u32 kOsxsave = 1u << 27, kApic = 1u << 9, kOspke = 1u << 4;
constexpr u64 kApicEnabled = bit(11);
constexpr u32 kXsaveHeaderEnd = 576;

// The size of an XSAVE area for what XCR0 enables now.
u32 xsave_size(const Cpu& cpu) {
  u32 size = kXsaveHeaderEnd;
  for (unsigned n = 2; n < 32; ++n) {
    if (!(cpu.state.xcr0 >> n & 1)) continue;
    const CpuidResult part = cpu.model.cpuid(0xD, n);
    size = std::max(size, part.ebx + part.eax);
  }
  return size;
}

// The bits that depend on live state.
void add_live_bits(const Cpu& cpu, u32 leaf, u32 subleaf, CpuidResult& r) {
  const CpuState& st = cpu.state;
  if (leaf == 1) {
    if (!(st.cr4 & cr4::OSXSAVE))
      r.ecx &= ~kOsxsave;
    else
      r.ecx |= kOsxsave;
    const bool apic = cpu.apic && (cpu.apic->apic_base() & kApicEnabled);
    if (!apic) r.edx &= ~kApic;
  } else if (leaf == 7 && subleaf == 0) {
    if (st.cr4 & cr4::PKE) r.ecx |= kOspke;
  } else if (leaf == 0xD && subleaf == 0 && has(cpu.model, feature::XSAVE)) {
    r.ebx = xsave_size(cpu);
  } else if (leaf == 0xD && subleaf == 1 && has(cpu.model, feature::XSAVE)) {
    r.ebx = xsave_compacted_size(st.xcr0 | st.xss);
  }
}

void check_tsd(const Cpu& cpu) {
  require(!(cpu.state.cr4 & cr4::TSD) || cpu.state.cpl == 0, GP(u16{0}));
}

void set_edx_eax(Cpu& cpu, u64 value) {
  cpu.set_reg<u32>(kRax * 8, static_cast<u32>(value));
  cpu.set_reg<u32>(kRdx * 8, static_cast<u32>(value >> 32));
}

void random_number(Cpu& cpu, const Insn& i) {
  const u64 value = cpu.entropy(cpu);
  switch (i.width) {
    case 2:
      cpu.set_reg<u16>(i.dst, static_cast<u16>(value));
      break;
    case 4:
      cpu.set_reg<u32>(i.dst, static_cast<u32>(value));
      break;
    default:
      cpu.set_reg<u64>(i.dst, value);
  }
  set_flags(cpu, flag::kArith, flag::CF);  // CF: a number was ready; the others are cleared
}

}  // namespace

u64 host_entropy(Cpu&) {
  thread_local std::random_device device;
  return u64{device()} << 32 | device();
}

/// SplitMix64 (Steele, Lea, Flood 2014): its whole state is one counter in CpuState.
u64 counted_entropy(Cpu& cpu) {
  u64 z = cpu.state.entropy_counter += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

void cpuid(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Cpuid);
  const u32 leaf = cpu.reg<u32>(kRax * 8);
  const u32 subleaf = cpu.reg<u32>(kRcx * 8);
  CpuidResult r = cpu.model.cpuid(leaf, subleaf);
  add_live_bits(cpu, leaf, subleaf, r);
  cpu.set_reg<u32>(kRax * 8, r.eax);
  cpu.set_reg<u32>(kRbx * 8, r.ebx);
  cpu.set_reg<u32>(kRcx * 8, r.ecx);
  cpu.set_reg<u32>(kRdx * 8, r.edx);
}

void rdtsc(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Rdtsc);
  check_tsd(cpu);
  set_edx_eax(cpu, cpu.tsc());
}

void rdtscp(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Rdtscp);
  require(has(cpu.model, feature::RDTSCP), UD());
  check_tsd(cpu);
  set_edx_eax(cpu, cpu.tsc());
  cpu.set_reg<u32>(kRcx * 8, static_cast<u32>(cpu.state.tsc_aux));
}

void rdpmc(Cpu& cpu, const Insn&) {
  cpu.exits.add(ExitReason::Rdpmc);
  raise(GP(u16{0}));  // no counter has a valid index
}

void rdpid(Cpu& cpu, const Insn& i) {
  require(has(cpu.model, feature::RDPID), UD());
  cpu.set_reg<u64>(i.dst, static_cast<u32>(cpu.state.tsc_aux));
}

void rdrand(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Rdrand);
  require(has(cpu.model, feature::RDRAND), UD());
  random_number(cpu, i);
}

void rdseed(Cpu& cpu, const Insn& i) {
  cpu.exits.add(ExitReason::Rdseed);
  require(has(cpu.model, feature::RDSEED), UD());
  random_number(cpu, i);
}

}  // namespace ring3
