// SPDX-License-Identifier: MIT
// The page fault of an instruction, found before its handler runs: a handler would have to throw
// it, which costs more than all the rest of taking it.
#pragma once

#include "core/cpu.h"
#include "decoder/decoder.h"
#include "decoder/isa.h"

namespace ring3::jit {

/// The first access to memory of an instruction, if no other fault comes before that one's.
struct Foresight {
  enum Kind : u8 {
    None,
    Operand,      ///< the memory operand
    Push,         ///< below rSP
    Pop,          ///< at rSP
    Frame,        ///< at rBP
    Source,       ///< at rSI
    Destination,  ///< at rDI
    Strings,      ///< a read at rSI, then at rDI
  } kind = None;
  Access access = Access::Read;  ///< of Strings: the second
  u8 size = 0;
  u8 align_mask = 0;  ///< a linear address with one of these bits raises #GP
};

/// `treatment`: of the instruction. `cold`: its fast path ran up to the access.
Foresight foresight_of(const Decoded& d, const Insn& insn, Treatment treatment, bool cold);

/// True if the instruction now raises `fault`, a page fault. Sets A and D as the access would. Not
/// every page fault is foreseen.
bool page_fault_ahead(Cpu& cpu, const Insn& insn, const Foresight& f, Fault& fault);

}  // namespace ring3::jit
