// SPDX-License-Identifier: MIT
// Host code that runs one guest instruction on the host: loads the registers that it uses, runs
// the instruction itself with its operands renamed, stores what it wrote.
//
// Vector registers are renamed by operand position, so that one stub serves every choice of
// registers, and the number of stubs is bounded by opcodes and immediates. The memory operand
// becomes [rsi], a general register operand rax. x87 and MMX instructions keep their registers:
// FXRSTOR64 and FXSAVE64 around them bring the whole state, TOP and tags as the silicon has them.
#pragma once

#include "core/simd_enable.h"

namespace ring3 {

/// What a stub reads and writes besides registers.
struct alignas(64) StubContext {
  u8 slot[64] = {};  ///< the memory operand
  u32 mxcsr = 0;     ///< in: to run with; out: as it left it
  u32 host_mxcsr = fpu::kMxcsrDefault;
  u64 flags = 0;  ///< out: RFLAGS
};

struct Stub {
  /// Pointers to the registers in each operand position. `extra`: the IS4 register, the general
  /// register, or the file of them. x87 and MMX: `reg` is the image, `vvvv` the guest's RFLAGS.
  using Entry = void (*)(u8* reg, u8* mem, u8* rm, u8* vvvv, u8* extra, StubContext* context);
  Entry entry = nullptr;
  FeatureMask feature;
  u8 enable = kEnableNone;
  u8 mem_bytes = 0;
  u8 align_mask = 0;  ///< the linear address of the memory operand must have these bits clear
  bool mem_read = false, mem_write = false;
  bool whole_image = false;  ///< x87 or MMX
  bool mxcsr = false;        ///< runs with the guest's MXCSR and may set its flags
  bool writes_flags = false;
  bool general = false;  ///< `extra` is a general register or their file
};

/// The stub of an instruction, made on first use; null if the host cannot run it. Thread-safe.
const Stub* find_stub(const Decoded& decoded);

/// Register numbers by operand position, 4 bits each: reg, rm, vvvv (or implicit XMM0), extra.
u16 operand_registers(const Decoded& decoded);

/// Stubs made so far, for tests and statistics.
size_t stub_count();

}  // namespace ring3
