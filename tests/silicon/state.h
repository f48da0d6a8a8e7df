// SPDX-License-Identifier: MIT
// What one case starts from and ends in, and where its code and data stand. The same linear
// addresses hold in the host process and in the guest, so that no value needs translation.
#pragma once

#include <array>

#include "base/bits.h"
#include "base/types.h"
#include "tests/silicon/forms.h"

namespace ring3::silicon {

// The arena. Code: two pages of INT3 around the instruction, so that wherever it goes, it stops.
inline constexpr u64 kCode = 0x1000'0000, kCodeBytes = 2 * kPageSize;
inline constexpr u64 kInsnAt = kCode + 0xF00;
// Data: a hole, two writable pages, one read-only, a hole.
inline constexpr u64 kData = 0x1002'0000, kDataBytes = 3 * kPageSize;
inline constexpr u64 kReadOnly = kData + 2 * kPageSize;
/// Base of GS in 64-bit mode.
inline constexpr u64 kGsBase = 0x10'0000;
/// Bytes of an XSAVE image with x87, SSE and AVX state.
inline constexpr size_t kFpuBytes = 832;

using DataImage = std::array<u8, kDataBytes>;

struct Registers {
  u64 gpr[16] = {};
  u64 rip = 0;
  u64 rflags = 2;
  alignas(64) u8 fpu[kFpuBytes] = {};
};

/// How a run ended. `vector` is kNoFault when the instruction completed; then regs.rip is the next
/// instruction's address, else its own.
struct Outcome {
  static constexpr int kNoFault = -1;
  static constexpr int kHostSignal = 1000;  ///< plus the signal: our own code crashed
  Registers regs;
  int vector = kNoFault;
  u32 error = 0;
  u64 cr2 = 0;
};

/// Offsets in the XSAVE image.
enum FpuOffset : size_t {
  kFcw = 0,
  kFsw = 2,
  kFtw = 4,
  kFop = 6,
  kFip = 8,
  kMxcsr = 24,
  kSt = 32,
  kXmm = 160,
  kXstateBv = 512,
  kYmmHigh = 576
};

/// One encoding, decoded, and one case of it.
struct Case {
  Mode mode = Mode::Long64;
  std::vector<u8> bytes;
  u64 seed = 0;
  Registers regs;
  DataImage data{};
};

}  // namespace ring3::silicon
