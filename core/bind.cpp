// SPDX-License-Identifier: MIT
// Merges the family tables into one index by mnemonic.
#include <array>

#include "core/handlers.h"

namespace ring3 {
namespace {

using Index = std::array<Binding, ZYDIS_MNEMONIC_MAX_VALUE + 1>;

/// MOVSD and CMPSD name a string instruction and an SSE2 one: Zydis has one mnemonic for both.
bool is_sse(const Decoded& d) { return d.insn.meta.isa_set == ZYDIS_ISA_SET_SSE2; }

struct Tables {
  Index general{};
  Index sse{};
};

Tables make_tables() {
  Tables t;
  constexpr FamilyTable (*families[])() = {
      alu_family,     shift_family,  muldiv_family,  bits_family,  data_family,
      decimal_family, flags_family,  flow_family,    stack_family, string_family,
      io_family,      system_family, segment_family, far_family,   x87_family,
      mmx_family,     avx_family,    xsave_family,   crypto_family};
  for (auto family : families)
    for (const FamilyRow& row : family()) t.general[row.mnemonic] = row.binding;
  for (const FamilyRow& row : sse_family()) t.sse[row.mnemonic] = row.binding;
  return t;
}

}  // namespace

void raise_ud(Cpu&, const Insn&) { raise(UD()); }
void raise_gp0(Cpu&, const Insn&) { raise(GP(0)); }

void bind(Insn& insn, const Decoded& decoded) {
  static const Tables tables = make_tables();
  const ZydisMnemonic m = decoded.insn.mnemonic;
  // Mnemonic 0: not an instruction; a length above 15 says why (decoder/block.h).
  if (m == ZYDIS_MNEMONIC_INVALID) {
    insn.handler = decoded.insn.length > ZYDIS_MAX_INSTRUCTION_LENGTH ? raise_gp0 : raise_ud;
    return;
  }
  const Binding& general = tables.general[m];
  const Binding& sse = tables.sse[m];
  const Binding& chosen = general.select && !(sse.select && is_sse(decoded)) ? general : sse;
  insn.handler = chosen.select ? chosen.select(insn, decoded) : raise_ud;
}

}  // namespace ring3
