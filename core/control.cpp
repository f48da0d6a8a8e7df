// SPDX-License-Identifier: MIT
// Writes of CR0, CR3 and CR4 (SDM 2B "MOV - Move to/from Control Registers", 3A "Control
// Registers", "Initializing IA-32e Mode", "PDPTE Registers"). Not emulated: caching effects of CD
// and NW.
#include "core/feature_bits.h"
#include "core/system.h"

namespace ring3 {

namespace {

constexpr u64 kCr0Bits = cr0::PE | cr0::MP | cr0::EM | cr0::TS | cr0::ET | cr0::NE | cr0::WP |
                         cr0::AM | cr0::NW | cr0::CD | cr0::PG;
constexpr u64 kNoFlush = bit(63);
constexpr u8 kBusyTss16 = 3;

struct Cr4Bit {
  u64 mask;
  FeatureBit needs;
};

constexpr Cr4Bit kCr4Bits[] = {
    {cr4::VME | cr4::PVI, feature::VME},
    {cr4::TSD, feature::TSC},
    {cr4::DE, feature::DE},
    {cr4::PSE, feature::PSE},
    {cr4::PAE, feature::PAE},
    {cr4::MCE, feature::MCE},
    {cr4::PGE, feature::PGE},
    {cr4::OSFXSR, feature::FXSR},
    {cr4::OSXMMEXCPT, feature::SSE},
    {cr4::UMIP, feature::UMIP},
    {cr4::FSGSBASE, feature::FSGSBASE},
    {cr4::PCIDE, feature::PCID},
    {cr4::OSXSAVE, feature::XSAVE},
    {cr4::SMEP, feature::SMEP},
    {cr4::SMAP, feature::SMAP},
    {cr4::PKE, feature::PKU},
};

u64 writable_cr4(const CpuModel& model) {
  u64 mask = cr4::PCE;
  for (const Cr4Bit& b : kCr4Bits)
    if (has(model, b.needs)) mask |= b.mask;
  return mask;
}

bool pae_paging(u64 cr0, u64 cr4, u64 efer) {
  return (cr0 & cr0::PG) && (cr4 & cr4::PAE) && !(efer & efer::LMA);
}

using Pdptes = std::array<u64, 4>;

// The PDPTEs at CR3; #GP(0) if a present one has reserved bits set.
Pdptes checked_pdptes(Cpu& cpu, u64 cr3) {
  Pdptes pdptes;
  require(load_pdptes(cpu.mmu.memory(), cpu.mmu.state(), cr3, pdptes), GP(u16{0}));
  return pdptes;
}

// IA-32e mode is entered by CR0.PG with EFER.LME: CR4.PAE = 1, CS.L = 0 and no 16-bit TSS, else
// #GP(0).
void check_long_entry(const CpuState& st) {
  require(st.cr4 & cr4::PAE, GP(u16{0}));
  require(!st.seg[kCs].l, GP(u16{0}));
  require(st.seg[kTr].type != kBusyTss16, GP(u16{0}));
}

// CR0.PG may not be cleared in 64-bit mode, nor while CR4.PCIDE is set.
void check_paging_exit(const CpuState& st) {
  require(!st.long64(), GP(u16{0}));
  require(!(st.cr4 & cr4::PCIDE), GP(u16{0}));
}

u64 efer_after(const CpuState& st, u64 cr0) {
  const bool active = (cr0 & cr0::PG) && (st.efer & efer::LME);
  return active ? st.efer | efer::LMA : st.efer & ~efer::LMA;
}

}  // namespace

void write_cr0(Cpu& cpu, u64 value) {
  CpuState& st = cpu.state;
  require(bits(value, 63, 32) == 0, GP(u16{0}));
  require(!(value & cr0::PG) || (value & cr0::PE), GP(u16{0}));  // PG needs PE
  require(!(value & cr0::NW) || (value & cr0::CD), GP(u16{0}));  // NW needs CD
  value = (value & kCr0Bits) | cr0::ET;
  const u64 changed = value ^ st.cr0;
  if (changed & cr0::PG) {
    if (!(value & cr0::PG)) {
      check_paging_exit(st);
    } else if (st.efer & efer::LME) {
      check_long_entry(st);
    }
  }
  const u64 efer = efer_after(st, value);
  const bool reload = pae_paging(value, st.cr4, efer) && (changed & (cr0::PG | cr0::CD | cr0::NW));
  const Pdptes pdptes = reload ? checked_pdptes(cpu, st.cr3) : Pdptes{};
  if (efer != st.efer) cpu.mmu.set_efer(efer);
  st.efer = efer;
  st.cr0 = value;
  if (changed & (cr0::PE | cr0::WP | cr0::PG)) cpu.mmu.set_cr0(value);
  if (reload) cpu.mmu.load_cr3(st.cr3, false, pdptes);
  cpu.update_mode();
}

void write_cr3(Cpu& cpu, u64 value) {
  CpuState& st = cpu.state;
  const bool pcide = st.cr4 & cr4::PCIDE;
  const bool keep = pcide && (value & kNoFlush);
  if (pcide) value &= ~kNoFlush;
  // In IA-32e mode bits above MAXPHYADDR are reserved.
  if (st.long_mode()) require((value >> cpu.model.physical_bits) == 0, GP(u16{0}));
  const bool pae = pae_paging(st.cr0, st.cr4, st.efer);
  const Pdptes pdptes = pae ? checked_pdptes(cpu, value) : cpu.mmu.state().pdpte;
  st.cr3 = value;
  cpu.mmu.load_cr3(value, keep, pdptes);
}

void write_cr4(Cpu& cpu, u64 value) {
  CpuState& st = cpu.state;
  require((value & ~writable_cr4(cpu.model)) == 0, GP(u16{0}));
  const u64 changed = value ^ st.cr4;
  if (st.long_mode()) {
    require(value & cr4::PAE, GP(u16{0}));  // PAE stays set in IA-32e mode
  }
  if (changed & value & cr4::PCIDE) {
    // PCIDE may be set only in IA-32e mode with CR3[11:0] = 0.
    require(st.long_mode() && (st.cr3 & 0xFFF) == 0, GP(u16{0}));
  }
  const bool reload = pae_paging(st.cr0, value, st.efer) &&
                      (changed & (cr4::PAE | cr4::PGE | cr4::PSE | cr4::SMEP));
  const Pdptes pdptes = reload ? checked_pdptes(cpu, st.cr3) : Pdptes{};
  st.cr4 = value;
  cpu.mmu.set_cr4(value);
  if (reload) cpu.mmu.load_cr3(st.cr3, false, pdptes);
  cpu.update_mode();
}

}  // namespace ring3
