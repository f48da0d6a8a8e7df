// SPDX-License-Identifier: MIT
// The architectural state of one cpu (SDM 1 "Basic Execution Environment", SDM 3A "System Register
// Summary"), laid out for translated code: plain data, general registers first.
#pragma once

#include <array>

#include "base/bits.h"
#include "base/types.h"

namespace ring3 {

enum Gpr : u8 {
  kRax,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15
};

/// Segment register numbers, as the manual encodes them; LDTR and TR have the same hidden part.
enum Seg : u8 { kEs, kCs, kSs, kDs, kFs, kGs, kLdtr, kTr };
inline constexpr size_t kSegs = 8;

namespace flag {
inline constexpr u64 CF = bit(0), PF = bit(2), AF = bit(4), ZF = bit(6), SF = bit(7), TF = bit(8),
                     IF = bit(9), DF = bit(10), OF = bit(11), NT = bit(14), RF = bit(16),
                     VM = bit(17), AC = bit(18), VIF = bit(19), VIP = bit(20), ID = bit(21);
inline constexpr u64 kIoplShift = 12, IOPL = u64{3} << 12;
inline constexpr u64 kFixed = bit(1);
inline constexpr u64 kArith = CF | PF | AF | ZF | SF | OF;
inline constexpr u64 kAll = kArith | TF | IF | DF | IOPL | NT | RF | VM | AC | VIF | VIP | ID;
}  // namespace flag

namespace cr0 {
inline constexpr u64 PE = bit(0), MP = bit(1), EM = bit(2), TS = bit(3), ET = bit(4), NE = bit(5),
                     WP = bit(16), AM = bit(18), NW = bit(29), CD = bit(30), PG = bit(31);
}
namespace cr4 {
inline constexpr u64 VME = bit(0), PVI = bit(1), TSD = bit(2), DE = bit(3), PSE = bit(4),
                     PAE = bit(5), MCE = bit(6), PGE = bit(7), PCE = bit(8), OSFXSR = bit(9),
                     OSXMMEXCPT = bit(10), UMIP = bit(11), FSGSBASE = bit(16), PCIDE = bit(17),
                     OSXSAVE = bit(18), SMEP = bit(20), SMAP = bit(21), PKE = bit(22);
}
namespace efer {
inline constexpr u64 SCE = bit(0), LME = bit(8), LMA = bit(10), NXE = bit(11);
}

/// A selector's fields.
struct Selector {
  u16 value = 0;
  constexpr u8 rpl() const { return value & 3; }
  constexpr bool local() const { return value & 4; }  ///< TI: the LDT
  constexpr u16 index() const { return value >> 3; }
  constexpr u16 table_offset() const { return value & 0xFFF8; }
  constexpr bool null() const { return (value & 0xFFFC) == 0; }
  constexpr u16 error_code() const { return value & 0xFFFC; }  ///< as exceptions push it (EXT = 0)
};

/// A segment register: the visible selector and the hidden part.
struct Segment {
  u16 selector = 0;
  u8 type = 0;     ///< descriptor Type, 4 bits
  bool s = false;  ///< S: code or data
  u8 dpl = 0;
  bool present = false;
  bool avl = false, l = false, db = false, g = false;
  bool usable = false;  ///< false after a null selector was loaded
  u32 limit = 0;        ///< in bytes, granularity applied
  u64 base = 0;
  // Derived by Cpu::update_mode(): what the access path needs, in its order.
  u64 access_base = 0;     ///< base, or 0 for ES CS SS DS in 64-bit mode
  bool flat_read = false;  ///< a read at any offset of the current mode needs no check
  bool flat_write = false;
};

struct TableRegister {
  u64 base = 0;
  u16 limit = 0;
};

/// x87, MMX, SSE, AVX and PKRU state: an XSAVE image (standard format: legacy 512 bytes, header 64,
/// YMM_Hi128 at 576). XMM and x87 registers live here and nowhere else.
struct alignas(64) FpuState {
  u8 image[1088] = {};
};

/// The mode bits that decide how bytes decode and what a block may assume.
enum class CpuMode : u8 { Real, Virtual8086, Protected, Compatibility, Long64 };

struct CpuState {
  // 16 general registers, then a slot that is always 0 and the instruction pointer: an effective
  // address is gpr[base] + (gpr[index] << scale) + disp for every form.
  u64 gpr[18] = {};
  static constexpr u8 kZeroSlot = 16, kRipSlot = 17;
  u64& rip() { return gpr[kRipSlot]; }
  u64 rip() const { return gpr[kRipSlot]; }
  u64 rflags = flag::kFixed;

  Segment seg[kSegs];
  TableRegister gdtr, idtr;
  u64 cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0, cr8 = 0, efer = 0;
  u64 xcr0 = 1;
  u32 pkru = 0;
  u64 dr[8] = {};

  // Derived by Cpu::update_mode().
  CpuMode mode = CpuMode::Real;
  u8 cpl = 0;                    ///< current privilege level; 3 in virtual-8086 mode
  u64 linear_mask = 0xFFFFFFFF;  ///< linear addresses wrap here: 4 GiB outside 64-bit mode
  u64 ip_mask = 0xFFFF;
  u64 code_limit = 0xFFFF;  ///< CS.limit, or all ones in 64-bit mode, which checks none
  u8 stack_bytes = 2;       ///< stack-address size
  u32 mode_key = 0;         ///< what blocks are keyed by, see decoder/block.h

  // MSRs.
  u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  u64 star = 0, lstar = 0, cstar = 0, fmask = 0, kernel_gs_base = 0;
  u64 tsc_offset = 0, tsc_aux = 0;
  u64 pat = 0x0007040600070406, misc_enable = 1, mtrr_def_type = 0;
  u64 mtrr_fixed[11] = {}, mtrr_variable[16] = {};
  u64 xss = 0, debug_ctl = 0, spec_ctrl = 0;

  // Interrupt shadow (SDM 3A "Masking Exceptions and Interrupts"): after STI, or MOV/POP SS.
  enum Shadow : u8 { kNoShadow = 0, kStiShadow = 1, kSsShadow = 2 };
  u8 shadow = kNoShadow;
  bool nmi_blocked = false;
  enum class Activity : u8 { Active, Halted, WaitForSipi, Shutdown } activity = Activity::Active;

  u64 instructions = 0;     ///< retired since power-on; the clock of -icount
  u64 entropy_counter = 0;  ///< of counted_entropy
  FpuState fpu;

  // Access helpers.
  bool has(u64 flags) const { return rflags & flags; }
  u8 iopl() const { return (rflags >> flag::kIoplShift) & 3; }
  bool protected_mode() const { return (cr0 & cr0::PE) && !(rflags & flag::VM); }
  bool long_mode() const { return efer & efer::LMA; }
  bool long64() const { return mode == CpuMode::Long64; }
};

}  // namespace ring3
