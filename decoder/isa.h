// SPDX-License-Identifier: MIT
// The instruction rows of isa.def as the decoder sees them: family, treatment, and the classes of
// Popek and Goldberg. Handlers, the last column, belong to core.
#pragma once

#include <Zydis/MetaInfo.h>
#include <Zydis/Mnemonic.h>

#include <string_view>

#include "base/types.h"

namespace ring3 {

/// What the translator does with an instruction (DESIGN "Semantics once").
enum class Treatment : u8 { Copy, CopyMem, Emit, Callout, CalloutEnd };

/// Popek-Goldberg. Privileged: traps outside ring 0. Sensitive: reads or changes machine
/// configuration. Critical: sensitive but not privileged.
enum class Class : u8 { Innocuous, Privileged, Critical };

enum class Family : u8 {
  alu,
  shift,
  muldiv,
  bits,
  data,
  decimal,
  flags,
  flow,
  stack,
  string,
  io,
  system,
  segment,
  far,
  x87,
  mmx,
  sse,
  avx,
  xsave,
  crypto
};

struct Row {
  ZydisMnemonic mnemonic;
  Family family;
  Treatment treatment;
};

/// The row of a mnemonic, or null: unsupported, the guest gets #UD.
const Row* find_row(ZydisMnemonic mnemonic);

/// Why a mnemonic has no row; empty if it has one.
std::string_view unsupported_reason(ZydisMnemonic mnemonic);

/// True for feature sets of which no form is executed, even where the mnemonic has a row (EVEX).
bool is_unsupported(ZydisISASet set);

Class classify(ZydisMnemonic mnemonic);

std::string_view name_of(Treatment treatment);
std::string_view name_of(Class c);
std::string_view name_of(Family family);

}  // namespace ring3
