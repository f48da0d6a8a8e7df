// SPDX-License-Identifier: MIT
// Where things stand in the XSAVE image that holds the guest's x87, MMX, SSE and AVX state
// (SDM 1 "Layout of the 64-Bit Mode FXSAVE Map", "XSAVE Area").
//
// The image is kept as FXSAVE64 writes it, but for the last-instruction pointers: outside long
// mode their upper halves hold FCS and FDS. MXCSR_MASK, XSTATE_BV and the reserved fields are not
// kept here. ST(i) is relative to TOP, the tags are abridged.
#pragma once

#include <cstring>

#include "core/cpu_state.h"

namespace ring3::fpu {

inline constexpr unsigned kFcw = 0, kFsw = 2, kFtw = 4, kFop = 6, kFip = 8, kFdp = 16, kMxcsr = 24,
                          kMxcsrMaskField = 28, kSt = 32, kXmm = 160, kLegacyBytes = 512,
                          kYmmHigh = 576;

/// Distance from the low to the high half of a YMM register.
inline constexpr unsigned kHighHalf = kYmmHigh - kXmm;

/// The MXCSR bits that exist; others raise #GP(0). Reported by FXSAVE as MXCSR_MASK.
inline constexpr u32 kMxcsrMask = 0xFFFF;
inline constexpr u32 kMxcsrDefault = 0x1F80;
inline constexpr u16 kFcwDefault = 0x37F;

enum Fsw : u16 {
  kIe = 1,
  kDe = 2,
  kZe = 4,
  kOe = 8,
  kUe = 16,
  kPe = 32,
  kSf = 64,
  kEs = 128,
  kC1 = 0x200,
  kBusy = 0x8000
};

template <class T>
T get(const FpuState& f, unsigned offset) {
  return load<T>(f.image + offset);
}
template <class T>
void set(FpuState& f, unsigned offset, T value) {
  store<T>(f.image + offset, value);
}

inline u8* xmm(FpuState& f, unsigned n) { return f.image + kXmm + 16 * n; }
inline u8* ymm_high(FpuState& f, unsigned n) { return f.image + kYmmHigh + 16 * n; }

inline u16 fcw(const FpuState& f) { return get<u16>(f, kFcw); }
inline u16 fsw(const FpuState& f) { return get<u16>(f, kFsw); }
inline u32 mxcsr(const FpuState& f) { return get<u32>(f, kMxcsr); }
inline void set_mxcsr(FpuState& f, u32 value) { set<u32>(f, kMxcsr, value); }
inline unsigned top(const FpuState& f) { return fsw(f) >> 11 & 7; }

/// An unmasked x87 exception waits for the next waiting instruction.
inline bool exception_pending(const FpuState& f) { return fsw(f) & ~fcw(f) & 0x3F; }

/// ES and B as the other status and the control bits have them.
inline u16 with_summary(u16 fsw, u16 fcw) {
  const bool pending = fsw & ~fcw & 0x3F;
  return static_cast<u16>((fsw & ~(kEs | kBusy)) | (pending ? kEs | kBusy : 0));
}

/// The image holds ST(0) to ST(7); a load of TOP renames the registers, it does not move them.
inline void set_fsw_renaming(FpuState& f, u16 fsw) {
  const unsigned old_top = top(f);
  u8 before[128];
  std::memcpy(before, f.image + kSt, sizeof before);
  set<u16>(f, kFsw, fsw);
  for (unsigned st = 0; st < 8; ++st)
    std::memcpy(f.image + kSt + 16 * st, before + 16 * ((st + top(f) - old_top) & 7), 16);
}

/// FNINIT (SDM 2A): clears the instruction and data pointers too; the registers keep their bits.
inline void init_x87(FpuState& f) {
  set<u16>(f, kFcw, kFcwDefault);
  set_fsw_renaming(f, 0);
  set<u8>(f, kFtw, 0);
  set<u16>(f, kFop, 0);
  set<u64>(f, kFip, 0);
  set<u64>(f, kFdp, 0);
}

/// Power-up and RESET (SDM 3A "IA-32 and Intel 64 Processor States Following Power-up"): FCW is
/// 40H, every tag 01 (zero), MXCSR 1F80H. INIT leaves all of it alone.
inline void power_up(FpuState& f) {
  f = FpuState{};
  set<u16>(f, kFcw, 0x40);
  set<u8>(f, kFtw, 0xFF);
  set_mxcsr(f, kMxcsrDefault);
}

}  // namespace ring3::fpu
