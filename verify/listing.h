// SPDX-License-Identifier: MIT
// The block at rip as text: guest code, and the host code that it was translated to.
#pragma once

#include <string>
#include <vector>

#include "jit/jit.h"

namespace ring3::verify {

struct Listing {
  std::string text;
  std::vector<u16> mnemonics;  ///< of the guest's instructions, each once
};

/// `cpu`: of the interpreter's machine, where the block is decoded.
Listing list_block(Cpu& cpu, const Jit& jit);

}  // namespace ring3::verify
