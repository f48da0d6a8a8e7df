// SPDX-License-Identifier: MIT
// The sixteen condition codes (SDM 1 Appendix B).
#pragma once

#include "core/cpu_state.h"

namespace ring3 {

/// `cc`: the low four bits of Jcc, SETcc and CMOVcc opcodes.
template <unsigned cc>
constexpr bool condition(u64 f) {
  constexpr unsigned kind = cc >> 1;
  bool r = false;
  if constexpr (kind == 0) r = f & flag::OF;
  if constexpr (kind == 1) r = f & flag::CF;
  if constexpr (kind == 2) r = f & flag::ZF;
  if constexpr (kind == 3) r = f & (flag::CF | flag::ZF);
  if constexpr (kind == 4) r = f & flag::SF;
  if constexpr (kind == 5) r = f & flag::PF;
  const bool less = static_cast<bool>(f & flag::SF) != static_cast<bool>(f & flag::OF);
  if constexpr (kind == 6) r = less;
  if constexpr (kind == 7) r = less || (f & flag::ZF);
  return r != static_cast<bool>(cc & 1);
}

}  // namespace ring3
