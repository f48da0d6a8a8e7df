// SPDX-License-Identifier: MIT
// MMX, and every mnemonic that has an MMX form: the host runs them.
#include "core/host_exec.h"
#include "core/sse.h"

namespace ring3 {
namespace {

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/mmx.def"
#undef ROW
};

}  // namespace

FamilyTable mmx_family() { return kRows; }

}  // namespace ring3
