// SPDX-License-Identifier: MIT
// SIMD and x87 instructions are not rewritten: the host runs them (DESIGN "Semantics once"). Ours
// are the enable bits, the memory operand and its faults, MXCSR's exceptions and x87's pointers.
#pragma once

#include "core/handlers.h"

namespace ring3 {

/// The handler of an instruction that the host runs; raise_ud if the host lacks it. Sets aux and
/// imm2. Also for MOVSD and CMPSD (xmm), whose mnemonics the string family owns: its binding asks
/// `decoded.insn.meta.isa_set == ZYDIS_ISA_SET_SSE2`.
Handler select_host_exec(Insn& insn, const Decoded& decoded);

inline constexpr Binding host_exec{select_host_exec};

}  // namespace ring3
