// SPDX-License-Identifier: MIT
// X11's key symbols, which VNC sends, as keys of a US keyboard.
#pragma once

#include "base/types.h"

namespace ring3 {

/// The set 1 code of the key that makes the symbol (with or without Shift); 0: there is none.
u16 key_of_keysym(u32 keysym);

/// A character of a terminal: its key, and whether Shift or Control is held with it.
struct TypedKey {
  u16 code = 0;
  bool shift = false, control = false;
};
TypedKey key_of_character(u32 character);

}  // namespace ring3
