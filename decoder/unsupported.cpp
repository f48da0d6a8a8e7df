// SPDX-License-Identifier: MIT
// Lookup in unsupported.def.
#include <algorithm>
#include <array>

#include "decoder/isa.h"

namespace ring3 {
namespace {

enum class Reason : u8 {
  None,
#define REASON(key, text) key,
#define ISA_SET(set, key)
#define UNSUPPORTED(mnemonic, key)
#include "decoder/unsupported.def"
#undef REASON
#undef ISA_SET
#undef UNSUPPORTED
};

constexpr std::string_view kTexts[] = {
    {},
#define REASON(key, text) text,
#define ISA_SET(set, key)
#define UNSUPPORTED(mnemonic, key)
#include "decoder/unsupported.def"
#undef REASON
#undef ISA_SET
#undef UNSUPPORTED
};

std::array<Reason, ZYDIS_MNEMONIC_MAX_VALUE + 1> index_mnemonics() {
  std::array<Reason, ZYDIS_MNEMONIC_MAX_VALUE + 1> table{};
#define REASON(key, text)
#define ISA_SET(set, key)
#define UNSUPPORTED(mnemonic, key) table[ZYDIS_MNEMONIC_##mnemonic] = Reason::key;
#include "decoder/unsupported.def"
#undef REASON
#undef ISA_SET
#undef UNSUPPORTED
  return table;
}

constexpr ZydisISASet kIsaSets[] = {
#define REASON(key, text)
#define ISA_SET(set, key) ZYDIS_ISA_SET_##set,
#define UNSUPPORTED(mnemonic, key)
#include "decoder/unsupported.def"
#undef REASON
#undef ISA_SET
#undef UNSUPPORTED
};

std::array<bool, ZYDIS_ISA_SET_MAX_VALUE + 1> index_isa_sets() {
  std::array<bool, ZYDIS_ISA_SET_MAX_VALUE + 1> table{};
  for (const ZydisISASet set : kIsaSets) table[set] = true;
  return table;
}

}  // namespace

std::string_view unsupported_reason(ZydisMnemonic mnemonic) {
  static const auto table = index_mnemonics();
  if (mnemonic > ZYDIS_MNEMONIC_MAX_VALUE || find_row(mnemonic)) return {};
  return kTexts[static_cast<size_t>(table[mnemonic])];
}

bool is_unsupported(ZydisISASet set) {
  static const auto table = index_isa_sets();
  return set <= ZYDIS_ISA_SET_MAX_VALUE && table[set];
}

}  // namespace ring3
