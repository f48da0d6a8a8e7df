// SPDX-License-Identifier: MIT
// Guest faults: one type, thrown in core, caught at the interpreter step and the callout boundary.
#pragma once

#include "base/types.h"
#include "core/cpu_state.h"

namespace ring3 {

/// Exception vectors (SDM 3A "Exceptions and Interrupts Reference").
enum class Vector : u8 {
  DE = 0,
  DB = 1,
  NMI = 2,
  BP = 3,
  OF = 4,
  BR = 5,
  UD = 6,
  NM = 7,
  DF = 8,
  TS = 10,
  NP = 11,
  SS = 12,
  GP = 13,
  PF = 14,
  MF = 16,
  AC = 17,
  MC = 18,
  XM = 19,
  CP = 21
};

struct Fault {
  Vector vector;
  bool has_error = false;
  u32 error = 0;
  u64 cr2 = 0;  ///< PF only
  u64 dr6 = 0;  ///< DB only: bits to set in DR6
};

inline Fault DE() { return {.vector = Vector::DE}; }
inline Fault DB(u64 dr6) { return {.vector = Vector::DB, .dr6 = dr6}; }
inline Fault BR() { return {.vector = Vector::BR}; }
inline Fault UD() { return {.vector = Vector::UD}; }
inline Fault NM() { return {.vector = Vector::NM}; }
inline Fault TS(u16 error) { return {.vector = Vector::TS, .has_error = true, .error = error}; }
inline Fault NP(u16 error) { return {.vector = Vector::NP, .has_error = true, .error = error}; }
inline Fault SS(u16 error) { return {.vector = Vector::SS, .has_error = true, .error = error}; }
inline Fault GP(u16 error) { return {.vector = Vector::GP, .has_error = true, .error = error}; }
inline Fault TS(Selector s) { return TS(s.error_code()); }
inline Fault NP(Selector s) { return NP(s.error_code()); }
inline Fault SS(Selector s) { return SS(s.error_code()); }
inline Fault GP(Selector s) { return GP(s.error_code()); }
inline Fault PF(LinearAddr address, u32 error) {
  return {.vector = Vector::PF, .has_error = true, .error = error, .cr2 = address.value};
}
inline Fault MF() { return {.vector = Vector::MF}; }
inline Fault AC() { return {.vector = Vector::AC, .has_error = true}; }
inline Fault XM() { return {.vector = Vector::XM}; }

[[noreturn]] void raise(const Fault& fault);

/// The manual's "if not CONDITION, then #FAULT".
inline void require(bool condition, const Fault& fault) {
  if (!condition) [[unlikely]]
    raise(fault);
}

}  // namespace ring3
