// SPDX-License-Identifier: MIT
// Bindings that the SSE, MMX and AVX families share: MXCSR and the byte-masked stores.
#pragma once

#include <cstring>

#include "core/handlers.h"
#include "core/simd_enable.h"

namespace ring3 {

Handler select_ldmxcsr(Insn& insn, const Decoded& decoded);
Handler select_stmxcsr(Insn& insn, const Decoded& decoded);
Handler select_maskmovdqu(Insn& insn, const Decoded& decoded);
Handler select_maskmovq(Insn& insn, const Decoded& decoded);

inline constexpr Binding ldmxcsr{select_ldmxcsr}, stmxcsr{select_stmxcsr},
    maskmovdqu{select_maskmovdqu}, maskmovq{select_maskmovq};

/// What every MMX instruction but EMMS does to x87: TOP 0, all tags valid (SDM 1 "MMX State").
void enter_mmx(FpuState& f);

}  // namespace ring3
