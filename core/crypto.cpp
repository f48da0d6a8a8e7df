// SPDX-License-Identifier: MIT
// AES, PCLMULQDQ, SHA and GFNI: the host runs them.
#include "core/host_exec.h"

namespace ring3 {
namespace {

constexpr FamilyRow kRows[] = {
#define ROW(m, f, t, h) {ZYDIS_MNEMONIC_##m, h},
#include "decoder/isa/crypto.def"
#undef ROW
};

}  // namespace

FamilyTable crypto_family() { return kRows; }

}  // namespace ring3
