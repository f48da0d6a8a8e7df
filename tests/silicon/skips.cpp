// SPDX-License-Identifier: MIT
// Lookup in skips.def and the conditions that it uses.
#include "tests/silicon/skips.h"

#include <algorithm>

#include "core/cpu_model.h"

namespace ring3::silicon {
namespace {

bool has_register_class(const Decode& d, ZydisRegisterClass wanted) {
  const auto ops = d.visible();
  return std::any_of(ops.begin(), ops.end(), [&](const auto& op) {
    return op.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op.reg.value) == wanted;
  });
}

bool has_segment_register(const Decode& d) { return has_register_class(d, ZYDIS_REGCLASS_SEGMENT); }

bool has_control_register(const Decode& d) {
  return has_register_class(d, ZYDIS_REGCLASS_CONTROL) ||
         has_register_class(d, ZYDIS_REGCLASS_DEBUG);
}

bool is_branch16(const Decode& d) {
  const auto branch = d.insn.meta.branch_type;
  if (branch == ZYDIS_BRANCH_TYPE_NONE || d.insn.machine_mode != ZYDIS_MACHINE_MODE_LONG_64)
    return false;
  for (unsigned i = 0; i < d.insn.raw.prefix_count; ++i)
    if (d.insn.raw.prefixes[i].value == 0x66) return true;
  return false;
}

bool is_prefetch_register(const Decode& d) {
  return d.insn.opcode_map == ZYDIS_OPCODE_MAP_0F && d.insn.opcode == 0x0D &&
         d.insn.raw.modrm.mod == 3;
}

bool is_unknown_serialize(const Decode& d) {
  const Feature& f = *find_feature("serialize");
  return d.insn.mnemonic == ZYDIS_MNEMONIC_SERIALIZE &&
         !(host_feature_words()[static_cast<size_t>(f.word)] >> f.bit & 1);
}

bool is_address16(const Decode& d) {
  if (d.insn.address_width != 16) return false;
  const auto ops = d.all();
  return std::any_of(ops.begin(), ops.end(), [](const auto& op) {
    return op.type == ZYDIS_OPERAND_TYPE_MEMORY && op.mem.type != ZYDIS_MEMOP_TYPE_AGEN;
  });
}

}  // namespace

std::string_view skipped_row(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
#define SKIP_ROW(m, reason) \
  case ZYDIS_MNEMONIC_##m:  \
    return reason;
#define SKIP_FORM(name, condition, reason)
#include "tests/silicon/skips.def"
#undef SKIP_ROW
#undef SKIP_FORM
    default:
      return {};
  }
}

std::string_view skipped_form(const Decode& d) {
#define SKIP_ROW(m, reason)
#define SKIP_FORM(name, condition, reason) \
  if (condition) return reason;
#include "tests/silicon/skips.def"
#undef SKIP_ROW
#undef SKIP_FORM
  return {};
}

}  // namespace ring3::silicon
