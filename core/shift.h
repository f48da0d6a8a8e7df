// SPDX-License-Identifier: MIT
// Pure shifts and rotates. run(a, count, flags before): `count` is already masked to 5 bits (6 for
// 64-bit operands) and not 0. kWrites depends on nothing but the op; OF is defined by the manual
// for a count of 1 only, above that it is what current silicon leaves (the general formula).
#pragma once

#include "core/alu.h"

namespace ring3::shift {

struct Shl {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, unsigned n, u64) {
    const T r = n < kBits<T> ? static_cast<T>(a << n) : T{0};
    const bool cf = n <= kBits<T> && (a >> (kBits<T> - n) & 1);
    return {r, result_flags(r) | flag_if(cf, flag::CF) | flag_if(sign_bit(r) != cf, flag::OF)};
  }
};

struct Shr {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, unsigned n, u64) {
    const T r = n < kBits<T> ? static_cast<T>(a >> n) : T{0};
    const bool cf = n <= kBits<T> && (a >> (n - 1) & 1);
    const bool of = sign_bit<T>(static_cast<T>((r << 1) ^ r));
    return {r, result_flags(r) | flag_if(cf, flag::CF) | flag_if(of, flag::OF)};
  }
};

struct Sar {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, unsigned n, u64) {
    const i64 wide = static_cast<i64>(sign_extend(a));
    const T r = static_cast<T>(wide >> n);
    return {r, result_flags(r) | flag_if(wide >> (n - 1) & 1, flag::CF)};
  }
};

struct Rol {
  static constexpr u64 kWrites = flag::CF | flag::OF;
  template <Uint T>
  static constexpr Alu<T> run(T a, unsigned n, u64) {
    const unsigned k = n % kBits<T>;
    const T r = k ? static_cast<T>((a << k) | (a >> (kBits<T> - k))) : a;
    const bool cf = r & 1;
    return {r, flag_if(cf, flag::CF) | flag_if(sign_bit(r) != cf, flag::OF)};
  }
};

struct Ror {
  static constexpr u64 kWrites = flag::CF | flag::OF;
  template <Uint T>
  static constexpr Alu<T> run(T a, unsigned n, u64) {
    const unsigned k = n % kBits<T>;
    const T r = k ? static_cast<T>((a >> k) | (a << (kBits<T> - k))) : a;
    const bool of = sign_bit<T>(static_cast<T>((r << 1) ^ r));
    return {r, flag_if(sign_bit(r), flag::CF) | flag_if(of, flag::OF)};
  }
};

/// Rotates the (width + 1)-bit value CF:a left by n, n in [0, width].
template <Uint T>
constexpr Alu<T> rotate_carry_left(T a, unsigned n, bool carry) {
  if (n == 0) return {a, flag_if(carry, flag::CF)};
  const T high = n < kBits<T> ? static_cast<T>(a << n) : T{0};
  const T low = n > 1 ? static_cast<T>(a >> (kBits<T> + 1 - n)) : T{0};
  const T r = high | low | static_cast<T>(static_cast<T>(carry) << (n - 1));
  return {r, flag_if(a >> (kBits<T> - n) & 1, flag::CF)};
}

struct Rcl {
  static constexpr u64 kWrites = flag::CF | flag::OF;
  template <Uint T>
  static constexpr Alu<T> run(T a, unsigned n, u64 f) {
    const Alu<T> r = rotate_carry_left(a, n % (kBits<T> + 1), f & flag::CF);
    const bool of = sign_bit(r.value) != static_cast<bool>(r.flags & flag::CF);
    return {r.value, r.flags | flag_if(of, flag::OF)};
  }
};

struct Rcr {
  static constexpr u64 kWrites = flag::CF | flag::OF;
  template <Uint T>
  static constexpr Alu<T> run(T a, unsigned n, u64 f) {
    const unsigned k = n % (kBits<T> + 1);
    const Alu<T> r = rotate_carry_left(a, k ? kBits<T> + 1 - k : 0, f & flag::CF);
    const bool of = sign_bit<T>(static_cast<T>((r.value << 1) ^ r.value));
    return {r.value, r.flags | flag_if(of, flag::OF)};
  }
};

/// SHLD: a moves left, bits of b enter from the right. n in [1, 31 or 63]; beyond the operand's
/// width (16-bit operands) the result is undefined: b's bits run on, then a's again.
template <Uint T>
constexpr Alu<T> shld(T a, T b, unsigned n) {
  T r;
  bool cf;
  if (n > kBits<T>) {
    const unsigned k = n - kBits<T>;
    r = static_cast<T>((b << k) | (a >> (kBits<T> - k)));
    cf = b >> (kBits<T> - k) & 1;
  } else {
    r = n == kBits<T> ? b : static_cast<T>((a << n) | (b >> (kBits<T> - n)));
    cf = a >> (kBits<T> - n) & 1;
  }
  const bool of = sign_bit<T>(static_cast<T>(r ^ a));
  return {r, result_flags(r) | flag_if(cf, flag::CF) | flag_if(of, flag::OF)};
}

template <Uint T>
constexpr Alu<T> shrd(T a, T b, unsigned n) {
  T r;
  bool cf;
  if (n > kBits<T>) {
    const unsigned k = n - kBits<T>;
    r = static_cast<T>((b >> k) | (a << (kBits<T> - k)));
    cf = b >> (k - 1) & 1;
  } else {
    r = n == kBits<T> ? b : static_cast<T>((a >> n) | (b << (kBits<T> - n)));
    cf = a >> (n - 1) & 1;
  }
  const bool of = sign_bit<T>(static_cast<T>(r ^ a));
  return {r, result_flags(r) | flag_if(cf, flag::CF) | flag_if(of, flag::OF)};
}

}  // namespace ring3::shift
