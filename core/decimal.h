// SPDX-License-Identifier: MIT
// Pure decimal adjustments of AL or AX (SDM 2A AAA, AAD, AAM, AAS, DAA, DAS).
#pragma once

#include "core/alu.h"

namespace ring3::decimal {

/// DAA (add) and DAS (subtract).
template <bool subtract>
constexpr Alu<u8> packed(u8 al, u64 flags) {
  const u8 old = al;
  const bool old_cf = flags & flag::CF;
  bool cf = false, af = false;
  if ((al & 0xF) > 9 || (flags & flag::AF)) {
    cf = old_cf || (subtract ? al < 6 : al > 0xF9);
    al = static_cast<u8>(subtract ? al - 6 : al + 6);
    af = true;
  }
  if (old > 0x99 || old_cf) {
    al = static_cast<u8>(subtract ? al - 0x60 : al + 0x60);
    cf = true;
  }
  return {al, result_flags(al) | flag_if(cf, flag::CF) | flag_if(af, flag::AF)};
}

/// AAA (add) and AAS (subtract) on AX. SF ZF PF OF are undefined: SF ZF PF follow AL.
template <bool subtract>
constexpr Alu<u16> unpacked(u16 ax, u64 flags) {
  const bool adjust = (ax & 0xF) > 9 || (flags & flag::AF);
  if (adjust) ax = static_cast<u16>(subtract ? ax - 0x106 : ax + 0x106);
  const u16 r = ax & 0xFF0F;
  return {r, result_flags(static_cast<u8>(r)) | flag_if(adjust, flag::CF | flag::AF)};
}

}  // namespace ring3::decimal
