// SPDX-License-Identifier: MIT
// Bit fields and unaligned little-endian access.
#pragma once

#include <cstring>
#include <type_traits>

#include "base/types.h"

namespace ring3 {

constexpr u64 bit(unsigned n) { return u64{1} << n; }

/// The low `n` bits set; n in [0, 64].
constexpr u64 low_mask(unsigned n) { return n >= 64 ? ~u64{0} : bit(n) - 1; }

/// Bits [high:low] of `value`, both ends included, as the manuals write them.
constexpr u64 bits(u64 value, unsigned high, unsigned low) {
  return (value >> low) & low_mask(high - low + 1);
}

template <Uint T>
constexpr u64 sign_extend(T value) {
  return static_cast<u64>(static_cast<i64>(static_cast<std::make_signed_t<T>>(value)));
}

template <class T>
T load(const void* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

template <class T>
void store(void* p, T value) {
  std::memcpy(p, &value, sizeof value);
}

}  // namespace ring3
