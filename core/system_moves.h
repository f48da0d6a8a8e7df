// SPDX-License-Identifier: MIT
// Moves, pushes and pops of control, debug and segment registers. They share their mnemonics with
// plain moves and stack operations, so the data and stack families bind them.
#pragma once

#include "core/cpu.h"

namespace ring3 {

void mov_to_cr(Cpu& cpu, const Insn& i);
void mov_from_cr(Cpu& cpu, const Insn& i);
void mov_to_dr(Cpu& cpu, const Insn& i);
void mov_from_dr(Cpu& cpu, const Insn& i);

// --- segment_moves.cpp
void mov_to_seg(Cpu& cpu, const Insn& i);
void mov_from_seg(Cpu& cpu, const Insn& i);
void push_seg(Cpu& cpu, const Insn& i);
void pop_seg(Cpu& cpu, const Insn& i);

}  // namespace ring3
