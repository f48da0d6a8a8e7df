// SPDX-License-Identifier: MIT
// An instruction with other registers, by its own bytes: REX, ModRM and SIB are made anew,
// prefixes, opcode and immediate are copied. A tenth of the work of an encoder, which knows the
// instruction by its name only. 64-bit code with legacy encodings.
#pragma once

#include "jit/reencode.h"

namespace ring3::jit {

/// As reencode(). Length 0: not one that is done here.
HostCode repatch(const Decoded& d, const std::array<u8, 16>& places, bool memory,
                 const HostAddress& at);

}  // namespace ring3::jit
