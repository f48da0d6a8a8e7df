// SPDX-License-Identifier: MIT
#include "decoder/isa.h"

#include <array>

namespace ring3 {
namespace {

constexpr Row kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, Family::f, Treatment::t},
#include "decoder/isa.def"
#undef ROW
};

std::array<const Row*, ZYDIS_MNEMONIC_MAX_VALUE + 1> index_rows() {
  std::array<const Row*, ZYDIS_MNEMONIC_MAX_VALUE + 1> table{};
  // MOVSD and CMPSD have two rows: the string instruction's, which comes first, stands for both.
  for (const Row& row : kRows)
    if (!table[row.mnemonic]) table[row.mnemonic] = &row;
  return table;
}

}  // namespace

const Row* find_row(ZydisMnemonic mnemonic) {
  static const auto table = index_rows();
  return mnemonic <= ZYDIS_MNEMONIC_MAX_VALUE ? table[mnemonic] : nullptr;
}

std::string_view name_of(Treatment treatment) {
  constexpr std::string_view names[] = {"Copy", "CopyMem", "Emit", "Callout", "CalloutEnd"};
  return names[static_cast<size_t>(treatment)];
}

std::string_view name_of(Class c) {
  constexpr std::string_view names[] = {"innocuous", "privileged", "critical"};
  return names[static_cast<size_t>(c)];
}

std::string_view name_of(Family family) {
  constexpr std::string_view names[] = {
      "alu", "shift",  "muldiv",  "bits", "data", "decimal", "flags", "flow", "stack", "string",
      "io",  "system", "segment", "far",  "x87",  "mmx",     "sse",   "avx",  "xsave", "crypto"};
  return names[static_cast<size_t>(family)];
}

}  // namespace ring3
