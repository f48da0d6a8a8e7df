// SPDX-License-Identifier: MIT
// Which forms emit_string.cpp, emit_stack.cpp, emit_misc.cpp and emit_system.cpp have emitters for.
#pragma once

#include "decoder/decoder.h"

namespace ring3::jit {

/// A string instruction: MOVS CMPS STOS LODS SCAS.
struct StringForm {
  u8 opcode = 0;  ///< of the byte form; the others' is one more
  u8 size = 0;    ///< bytes of an element
  bool source = false, destination = false, writes = false, compares = false;
};
/// No opcode: `d` is no string instruction.
StringForm string_form(const Decoded& d);

/// True if one of these files emits this form of 64-bit code.
bool has_emitter(const Decoded& d, const Insn& insn);

/// BT, BTS, BTR or BTC on memory with its bit offset in a register, which reaches anywhere.
bool is_bit_string(const Decoded& d);

/// True if this host executes the instruction as the guest shall see it.
bool host_has(ZydisISASet set);

}  // namespace ring3::jit
