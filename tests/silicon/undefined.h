// SPDX-License-Identifier: MIT
// What is not compared after a case: flags that the manual leaves undefined (undefined_flags.def),
// and what differs between makers or is documented as implementation-specific (tolerances.def).
#pragma once

#include "tests/silicon/state.h"

namespace ring3::silicon {

/// Parts of the outcome that a tolerance takes out of the comparison.
enum Relax : u32 {
  kRelaxCase = 1,  ///< everything
  kRelaxCr2 = 2,   ///< #PF's address
  kRelaxGprs = 4,
  kRelaxVectors = 8,  ///< XMM and YMM
  kRelaxX87 = 16,
  kRelaxMxcsrFlags = 32,
  kRelaxPresentBit = 128,  ///< P of #PF's error code
  kRelaxMxcsrMask = 64,    ///< MXCSR_MASK of an FXSAVE or XSAVE image in memory
};

struct Undefined {
  u64 flags = 0;
  bool destination = false;  ///< the first operand's value
  u32 relax = 0;
  u64 address = 0;               ///< of the first memory operand
  const char* reason = nullptr;  ///< of the last tolerance that applied
};

Undefined undefined_after(const Decode& d, const Registers& in);

/// Adds the tolerances that hold for this case and its outcomes.
void tolerate(Undefined& u, const Decode& d, const Registers& in, const Outcome& silicon,
              const Outcome& interp);

/// The linear address of the first memory operand (not VSIB), or 0.
u64 operand_address(const Decode& d, const Registers& regs);

}  // namespace ring3::silicon
