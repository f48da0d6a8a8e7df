// SPDX-License-Identifier: MIT
// Every form of every mnemonic that Zydis can decode: found by walking the opcode space (prefixes,
// maps, opcodes, ModRM) rather than from a list, so that aliases and odd widths are not forgotten.
#pragma once

#include <Zydis/Zydis.h>

#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"

namespace ring3::silicon {

using Rng = std::mt19937_64;

/// Code sizes that a 64-bit host runs natively.
enum class Mode : u8 { Compat32, Long64 };

inline unsigned bits_of(Mode mode) { return mode == Mode::Long64 ? 64 : 32; }

struct Decode {
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  std::span<const ZydisDecodedOperand> all() const { return {operands, insn.operand_count}; }
  std::span<const ZydisDecodedOperand> visible() const {
    return {operands, insn.operand_count_visible};
  }
};

/// False if Zydis refuses the bytes or they are too few.
bool decode(Mode mode, std::span<const u8> bytes, Decode& out);

/// One form: an encoding with its operand kinds and sizes; `bytes` is one sample of it.
struct Form {
  Mode mode = Mode::Long64;
  ZydisMnemonic mnemonic = ZYDIS_MNEMONIC_INVALID;
  std::vector<u8> bytes;
  std::string signature;
};

/// What makes two encodings the same form: mnemonic, operand kinds, sizes and encodings, REP.
std::string signature(const Decode& d);

/// All legacy, VEX, XOP and 3DNow! forms of a mode, by mnemonic. Computed once.
const std::map<ZydisMnemonic, std::vector<Form>>& forms(Mode mode);

/// One sample of each EVEX mnemonic, which `forms` leaves out (for the closure test).
const std::map<ZydisMnemonic, std::vector<Form>>& evex_forms();

std::string hex(std::span<const u8> bytes);

}  // namespace ring3::silicon
