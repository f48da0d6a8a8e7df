// SPDX-License-Identifier: MIT
// Model-specific registers (SDM 4 "Model-Specific Registers"). An MSR that CPUID does not announce
// and that is not architectural raises #GP(0), logged.
// Not emulated: performance counters, machine-check banks, last branch records, microcode updates.
#include "base/log.h"
#include "core/feature_bits.h"
#include "core/system.h"

namespace ring3 {

namespace {

enum Msr : u32 {
  IA32_TSC = 0x10,
  IA32_PLATFORM_ID = 0x17,
  IA32_APIC_BASE = 0x1B,
  IA32_TSC_ADJUST = 0x3B,
  IA32_SPEC_CTRL = 0x48,
  IA32_PRED_CMD = 0x49,
  IA32_BIOS_UPDT_TRIG = 0x79,
  IA32_BIOS_SIGN_ID = 0x8B,
  IA32_MTRRCAP = 0xFE,
  IA32_ARCH_CAPABILITIES = 0x10A,
  IA32_FLUSH_CMD = 0x10B,
  IA32_SYSENTER_CS = 0x174,
  IA32_SYSENTER_ESP = 0x175,
  IA32_SYSENTER_EIP = 0x176,
  IA32_MCG_CAP = 0x179,
  IA32_MCG_STATUS = 0x17A,
  IA32_MISC_ENABLE = 0x1A0,
  IA32_DEBUGCTL = 0x1D9,
  IA32_MTRR_PHYSBASE0 = 0x200,
  IA32_MTRR_PHYSMASK7 = 0x20F,
  IA32_MTRR_FIX64K_00000 = 0x250,
  IA32_MTRR_FIX16K_80000 = 0x258,
  IA32_MTRR_FIX16K_A0000 = 0x259,
  IA32_MTRR_FIX4K_C0000 = 0x268,
  IA32_MTRR_FIX4K_F8000 = 0x26F,
  IA32_PAT = 0x277,
  IA32_MTRR_DEF_TYPE = 0x2FF,
  IA32_TSC_DEADLINE = 0x6E0,
  X2APIC_FIRST = 0x800,
  X2APIC_LAST = 0x8FF,
  IA32_XSS = 0xDA0,
  IA32_EFER = 0xC0000080,
  IA32_STAR = 0xC0000081,
  IA32_LSTAR = 0xC0000082,
  IA32_CSTAR = 0xC0000083,
  IA32_FMASK = 0xC0000084,
  IA32_FS_BASE = 0xC0000100,
  IA32_GS_BASE = 0xC0000101,
  IA32_KERNEL_GS_BASE = 0xC0000102,
  IA32_TSC_AUX = 0xC0000103,
  AMD64_SYSCFG = 0xC0010010,
  K7_HWCR = 0xC0010015,
  K8_INT_PENDING_MSG = 0xC0010055,
};

// No speculation here, so none of the flaws: RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO,
// IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO,
// ITS_NO.
constexpr u64 kArchCapabilities = bit(0) | bit(1) | bit(3) | bit(4) | bit(5) | bit(6) | bit(8) |
                                  bit(13) | bit(14) | bit(15) | bit(20) | bit(24) | bit(26) |
                                  bit(27) | bit(62);
constexpr u64 kMtrrCap = 0x508;  // 8 variable ranges, fixed ranges, WC
constexpr u64 kMicrocodeRevision = u64{1} << 32;
constexpr u64 kMiscEnableBits =
    bit(0) | bit(3) | bit(7) | bit(11) | bit(12) | bit(16) | bit(18) | bit(22) | bit(34);
constexpr u64 kDebugCtlBits = bit(0) | bit(1);

bool has_long(const Cpu& cpu) { return has(cpu.model, feature::LM); }

/// The feature that an MSR comes with; nullopt if it is always there.
std::optional<FeatureBit> msr_feature(u32 index) {
  switch (index) {
    case IA32_TSC:
      return feature::TSC;
    case IA32_TSC_ADJUST:
      return feature::TSC_ADJUST;
    case IA32_SPEC_CTRL:
    case IA32_PRED_CMD:
      return feature::IBRS;
    case IA32_ARCH_CAPABILITIES:
      return feature::ARCH_CAPABILITIES;
    case IA32_FLUSH_CMD:
      return feature::L1D_FLUSH;
    case IA32_SYSENTER_CS:
    case IA32_SYSENTER_ESP:
    case IA32_SYSENTER_EIP:
      return feature::SEP;
    case IA32_MCG_CAP:
    case IA32_MCG_STATUS:
      return feature::MCA;
    case IA32_PAT:
      return feature::PAT;
    case IA32_MTRRCAP:
    case IA32_MTRR_DEF_TYPE:
      return feature::MTRR;
    case IA32_TSC_DEADLINE:
      return feature::TSC_DEADLINE;
    case IA32_XSS:
      return feature::XSAVES;
    case IA32_STAR:
      return feature::SYSCALL;
    case IA32_LSTAR:
    case IA32_CSTAR:
    case IA32_FMASK:
    case IA32_FS_BASE:
    case IA32_GS_BASE:
    case IA32_KERNEL_GS_BASE:
      return feature::LM;
    case IA32_TSC_AUX:
      return feature::RDTSCP;
    default:
      return std::nullopt;
  }
}

u64* mtrr_storage(CpuState& st, u32 index) {
  if (index >= IA32_MTRR_PHYSBASE0 && index <= IA32_MTRR_PHYSMASK7)
    return &st.mtrr_variable[index - IA32_MTRR_PHYSBASE0];
  if (index == IA32_MTRR_FIX64K_00000) return &st.mtrr_fixed[0];
  if (index == IA32_MTRR_FIX16K_80000 || index == IA32_MTRR_FIX16K_A0000)
    return &st.mtrr_fixed[1 + index - IA32_MTRR_FIX16K_80000];
  if (index >= IA32_MTRR_FIX4K_C0000 && index <= IA32_MTRR_FIX4K_F8000)
    return &st.mtrr_fixed[3 + index - IA32_MTRR_FIX4K_C0000];
  return nullptr;
}

/// MSRs that are a plain register of the state.
u64* storage(CpuState& st, u32 index) {
  switch (index) {
    case IA32_SPEC_CTRL:
      return &st.spec_ctrl;
    case IA32_SYSENTER_CS:
      return &st.sysenter_cs;
    case IA32_SYSENTER_ESP:
      return &st.sysenter_esp;
    case IA32_SYSENTER_EIP:
      return &st.sysenter_eip;
    case IA32_MISC_ENABLE:
      return &st.misc_enable;
    case IA32_DEBUGCTL:
      return &st.debug_ctl;
    case IA32_PAT:
      return &st.pat;
    case IA32_MTRR_DEF_TYPE:
      return &st.mtrr_def_type;
    case IA32_XSS:
      return &st.xss;
    case IA32_EFER:
      return &st.efer;
    case IA32_STAR:
      return &st.star;
    case IA32_LSTAR:
      return &st.lstar;
    case IA32_CSTAR:
      return &st.cstar;
    case IA32_FMASK:
      return &st.fmask;
    case IA32_FS_BASE:
      return &st.seg[kFs].base;
    case IA32_GS_BASE:
      return &st.seg[kGs].base;
    case IA32_KERNEL_GS_BASE:
      return &st.kernel_gs_base;
    case IA32_TSC_AUX:
      return &st.tsc_aux;
    default:
      return mtrr_storage(st, index);
  }
}

// AMD's configuration MSRs: nothing of what they switch is there, so they read 0.
bool is_amd_msr(u32 index) {
  return index == AMD64_SYSCFG || index == K7_HWCR || index == K8_INT_PENDING_MSG;
}

// HWCR bits that change nothing here: MONMWAIT, FFDIS (TLB flush filter), TLBCACHEDIS, IGNNE_EM.
constexpr u64 kHwcrIgnored = 0x158;

bool exists(const Cpu& cpu, u32 index) {
  if (is_amd_msr(index)) return cpu.model.vendor == "AuthenticAMD";
  if (index == IA32_EFER)
    return has(cpu.model, feature::NX) || has_long(cpu) || has(cpu.model, feature::SYSCALL);
  if (mtrr_storage(const_cast<CpuState&>(cpu.state), index)) return has(cpu.model, feature::MTRR);
  const std::optional<FeatureBit> needs = msr_feature(index);
  return !needs || has(cpu.model, *needs);
}

[[noreturn]] void unknown(const char* what, u32 index, u64 value) {
  static std::atomic<u32> count{0};
  if (count.fetch_add(1) < 64)
    RING3_LOG(GuestErrors, "{} MSR {:x} ({:x}): #GP", what, index, value);
  raise(GP(u16{0}));
}

bool is_x2apic(const Cpu& cpu, u32 index) {
  return index >= X2APIC_FIRST && index <= X2APIC_LAST && cpu.apic &&
         has(cpu.model, feature::X2APIC);
}

std::optional<u64> read_special(Cpu& cpu, u32 index) {
  switch (index) {
    case IA32_TSC:
      return cpu.tsc();
    case IA32_TSC_ADJUST:
      return cpu.state.tsc_offset;
    case IA32_PLATFORM_ID:
    case AMD64_SYSCFG:
    case K7_HWCR:
    case K8_INT_PENDING_MSG:
      return 0;
    case IA32_BIOS_SIGN_ID:
      return kMicrocodeRevision;
    case IA32_MTRRCAP:
      return kMtrrCap;
    case IA32_ARCH_CAPABILITIES:
      return kArchCapabilities;
    case IA32_MCG_CAP:
    case IA32_MCG_STATUS:
      return 0;  // no banks
    case IA32_APIC_BASE:
      return cpu.apic ? std::optional(cpu.apic->apic_base()) : std::nullopt;
    case IA32_TSC_DEADLINE: {
      if (!cpu.apic) return std::nullopt;
      const u64 at = cpu.apic->tsc_deadline();
      return at ? at + cpu.state.tsc_offset : 0;
    }
    default:
      return std::nullopt;
  }
}

bool valid_memory_type(u8 type, bool pat) {
  return type <= 1 || type == 4 || type == 5 || type == 6 || (pat && type == 7);
}

bool valid_types(u64 value, bool pat) {
  for (unsigned n = 0; n < 64; n += 8)
    if (!valid_memory_type(static_cast<u8>(value >> n), pat)) return false;
  return true;
}

// EFER: reserved bits are #GP(0); LME may not change while paging is on; LMA is read-only.
void write_efer(Cpu& cpu, u64 value) {
  CpuState& st = cpu.state;
  u64 writable = 0;
  if (has(cpu.model, feature::SYSCALL)) writable |= efer::SCE;
  if (has(cpu.model, feature::NX)) writable |= efer::NXE;
  if (has_long(cpu)) writable |= efer::LME;
  require((value & ~(writable | efer::LMA)) == 0, GP(u16{0}));
  require(!(st.cr0 & cr0::PG) || !((value ^ st.efer) & efer::LME), GP(u16{0}));
  st.efer = (value & writable) | (st.efer & efer::LMA);
  cpu.mmu.set_efer(st.efer);
  cpu.update_mode();
}

u64 checked_mtrr(const Cpu& cpu, u32 index, u64 value) {
  const u64 reserved = ~low_mask(cpu.model.physical_bits);
  if (index > IA32_MTRR_PHYSMASK7) {
    require(valid_types(value, false), GP(u16{0}));
  } else if (index & 1) {
    require((value & (reserved | 0x7FF)) == 0, GP(u16{0}));
  } else {
    require((value & (reserved | 0xF00)) == 0 && valid_memory_type(value & 0xFF, false),
            GP(u16{0}));
  }
  return value;
}

/// The value as it is stored, after the register's own rules.
u64 checked(Cpu& cpu, u32 index, u64 value) {
  switch (index) {
    case IA32_LSTAR:
    case IA32_CSTAR:
    case IA32_FS_BASE:
    case IA32_GS_BASE:
    case IA32_KERNEL_GS_BASE:
      require(cpu.canonical(value), GP(u16{0}));
      return value;
    case IA32_SYSENTER_ESP:
    case IA32_SYSENTER_EIP:
      if (!has_long(cpu)) return value & 0xFFFFFFFF;
      require(cpu.canonical(value), GP(u16{0}));
      return value;
    case IA32_SYSENTER_CS:
    case IA32_FMASK:
      return value & 0xFFFFFFFF;
    case IA32_TSC_AUX:
      require(value >> 32 == 0, GP(u16{0}));
      return value;
    case IA32_PAT:
      require(valid_types(value, true), GP(u16{0}));
      return value;
    case IA32_MTRR_DEF_TYPE:
      require((value & ~u64{0xCFF}) == 0 && valid_memory_type(value & 0xFF, false), GP(u16{0}));
      return value;
    case IA32_SPEC_CTRL:
      require((value & ~u64{7}) == 0, GP(u16{0}));
      return value;
    case IA32_XSS:
      require(value == 0, GP(u16{0}));
      return value;  // no supervisor states
    case IA32_MISC_ENABLE:
      return value & kMiscEnableBits;
    case IA32_DEBUGCTL:
      require((value & ~kDebugCtlBits) == 0, GP(u16{0}));
      return value;
    default:
      break;
  }
  return mtrr_storage(cpu.state, index) ? checked_mtrr(cpu, index, value) : value;
}

// The APIC counts in the board's TSC; the guest's is offset. Past deadlines fire at once.
void write_tsc_deadline(Cpu& cpu, u64 value) {
  const i64 board = static_cast<i64>(value - cpu.state.tsc_offset);
  cpu.apic->set_tsc_deadline(value == 0 ? 0 : board > 0 ? static_cast<u64>(board) : 1);
}

bool write_special(Cpu& cpu, u32 index, u64 value) {
  switch (index) {
    case IA32_TSC:
      cpu.state.tsc_offset += value - cpu.tsc();
      return true;
    case IA32_TSC_ADJUST:
      cpu.state.tsc_offset = value;
      return true;
    case IA32_EFER:
      write_efer(cpu, value);
      return true;
    case IA32_APIC_BASE:
      return cpu.apic && cpu.apic->set_apic_base(value);
    case IA32_TSC_DEADLINE:
      if (!cpu.apic) return false;
      write_tsc_deadline(cpu, value);
      return true;
    case IA32_PRED_CMD:
    case IA32_FLUSH_CMD:
      return (value & ~u64{1}) == 0;  // nothing is predicted or cached
    case IA32_BIOS_UPDT_TRIG:
    case IA32_BIOS_SIGN_ID:
      return true;
    case K7_HWCR:
      return (value & ~kHwcrIgnored) == 0;
    case AMD64_SYSCFG:
    case K8_INT_PENDING_MSG:
    case IA32_MCG_STATUS:
      return value == 0;
    default:
      return false;
  }
}

}  // namespace

u64 read_msr(Cpu& cpu, u32 index) {
  if (is_x2apic(cpu, index)) {
    const std::optional<u64> value = cpu.apic->read_x2apic(index - X2APIC_FIRST);
    require(value.has_value(), GP(u16{0}));
    return *value;
  }
  if (!exists(cpu, index)) unknown("read of absent", index, 0);
  if (const u64* value = storage(cpu.state, index)) return *value;
  const std::optional<u64> value = read_special(cpu, index);
  if (!value) unknown("read of unknown", index, 0);
  return *value;
}

void write_msr(Cpu& cpu, u32 index, u64 value) {
  if (is_x2apic(cpu, index)) {
    require(cpu.apic->write_x2apic(index - X2APIC_FIRST, value), GP(u16{0}));
    return;
  }
  if (!exists(cpu, index)) unknown("write of absent", index, value);
  if (index != IA32_EFER) {
    if (u64* target = storage(cpu.state, index)) {
      *target = checked(cpu, index, value);
      if (index == IA32_FS_BASE || index == IA32_GS_BASE) cpu.update_mode();
      return;
    }
  }
  if (!write_special(cpu, index, value)) unknown("write of unknown", index, value);
}

}  // namespace ring3
