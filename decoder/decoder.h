// SPDX-License-Identifier: MIT
// Bytes -> Insn, by Zydis. Knows no handlers: a Binder, given by core, puts them in.
#pragma once

#include <Zydis/Zydis.h>

#include <span>
#include <string>

#include "decoder/insn.h"
#include "decoder/isa.h"
#include "decoder/templates.h"

namespace ring3 {

/// The code size bits of a mode: what CS.L and CS.D select.
enum class CodeSize : u8 { Bits16, Bits32, Bits64 };

/// What Zydis said of one instruction, for binders, the translator and listings.
struct Decoded {
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  const u8* bytes;
};

enum class DecodeStatus : u8 {
  Ok,
  Truncated,  ///< the bytes end inside the instruction
  TooLong,    ///< over 15 bytes: #GP(0)
  Invalid,    ///< #UD
};

/// Chooses the handler (and aux) for a decoded instruction. Must always choose one.
using Binder = void (*)(Insn& insn, const Decoded& decoded);

/// Not for several threads.
class Decoder {
 public:
  Decoder();
  DecodeStatus decode(CodeSize size, std::span<const u8> bytes, Decoded& out) const;
  /// Fills `insn` from `decoded`, all but handler and aux.
  static void lower(const Decoded& decoded, Insn& insn);
  /// Intel syntax, `address` for relative branches.
  static std::string format(const Decoded& decoded, u64 address);

 private:
  DecodeStatus decode_anew(CodeSize size, std::span<const u8> bytes, Decoded& out) const;

  ZydisDecoder decoders_[3];
  mutable Templates templates_;
};

}  // namespace ring3
