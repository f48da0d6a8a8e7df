// SPDX-License-Identifier: MIT
// What the translator does with one decoded instruction of 64-bit code, and how it uses flags.
#pragma once

#include "jit/jit.h"

namespace ring3::jit {

/// The treatment of this instruction in this form; its row's, or Callout where the form asks for
/// more than is built. Emit: emit_*.cpp has an emitter for the form.
Treatment treatment_of(const Decoded& d, const Insn& insn, const JitOptions& options);

/// Its handler, which ends the block where the instruction does.
Treatment callout_of(const Decoded& d);

struct FlagUse {
  bool reads = false;   ///< needs the flags before it, also because it keeps some of them
  bool writes = false;  ///< leaves its flags in the host's
};
FlagUse flag_use(const Decoded& d);

/// General registers that the instruction writes, hidden ones too; that its operands name. Bits.
u16 written_guests(const Decoded& d);
u16 named_guests(const Decoded& d);

/// Its memory operand has to be aligned, else its handler does it.
bool wants_alignment(const Decoded& d);

/// The explicit memory operand, or null. Addresses that are only computed do not count.
const ZydisDecodedOperand* memory_operand(const Decoded& d);

}  // namespace ring3::jit
