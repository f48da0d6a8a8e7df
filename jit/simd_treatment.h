// SPDX-License-Identifier: MIT
// Which SIMD and x87 forms run in translated code. Not these: VSIB addressing, MASKMOVQ,
// MASKMOVDQU, FNINIT, the environment and XSAVE families.
#pragma once

#include "decoder/decoder.h"

namespace ring3::jit {

/// An instruction that copy_simd() may translate.
bool is_simd(const Decoded& d, const Insn& insn);
/// Copy, CopyMem or Callout.
Treatment simd_treatment(const Decoded& d, const Insn& insn);

/// A hint, which touches nothing.
bool is_prefetch(u16 mnemonic);
bool is_fence(u16 mnemonic);

}  // namespace ring3::jit
