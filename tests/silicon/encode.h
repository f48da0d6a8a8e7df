// SPDX-License-Identifier: MIT
// Random encodings of a form: other registers, addressing modes, immediates, LOCK, segment and
// address-size prefixes. What comes out always decodes back to the same form.
#pragma once

#include <optional>

#include "tests/silicon/forms.h"

namespace ring3::silicon {

/// A variation of `form`; its sample if no attempt was a legal encoding of the form.
std::vector<u8> vary(const Form& form, Rng& rng);

/// `n` in [0, limit).
inline u64 below(Rng& rng, u64 limit) { return rng() % limit; }
inline bool one_in(Rng& rng, u64 n) { return below(rng, n) == 0; }

}  // namespace ring3::silicon
