// SPDX-License-Identifier: MIT
// The x87 environment as FNSTENV, FLDENV, FNSAVE and FRSTOR lay it out in memory: four forms, by
// operand size and by mode (SDM 1 "Saving the x87 FPU's State with FSTENV/FNSTENV and
// FSAVE/FNSAVE").
#pragma once

#include "core/simd_enable.h"

namespace ring3 {

struct EnvLayout {
  bool wide = false;    ///< 32-bit operand size: 28 bytes, else 14
  bool linear = false;  ///< real and virtual-8086 mode: linear addresses, no selectors
};

EnvLayout env_layout(const Cpu& cpu, const Insn& insn);
void store_environment(const CpuState& state, EnvLayout layout, u8* out);
void load_environment(CpuState& state, EnvLayout layout, const u8* in);

/// The two-bit tags that FXSAVE's abridged ones and the registers' contents stand for.
u16 full_tags(const FpuState& f);

}  // namespace ring3
