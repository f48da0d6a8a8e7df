// SPDX-License-Identifier: MIT
// MOV to and from control and debug registers. They share ZYDIS_MNEMONIC_MOV with plain moves, so
// the data family binds them.
#pragma once

#include "core/cpu.h"

namespace ring3 {

void mov_to_cr(Cpu& cpu, const Insn& i);
void mov_from_cr(Cpu& cpu, const Insn& i);
void mov_to_dr(Cpu& cpu, const Insn& i);
void mov_from_dr(Cpu& cpu, const Insn& i);

}  // namespace ring3
