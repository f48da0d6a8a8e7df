// SPDX-License-Identifier: MIT
// Pure multiplication and division over double-width integers.
#pragma once

#include <optional>
#include <type_traits>

#include "core/alu.h"

namespace ring3::muldiv {

template <Uint T>
struct Wider;
template <>
struct Wider<u8> {
  using U = u16;
  using I = i16;
};
template <>
struct Wider<u16> {
  using U = u32;
  using I = i32;
};
template <>
struct Wider<u32> {
  using U = u64;
  using I = i64;
};
template <>
struct Wider<u64> {
  using U = u128;
  using I = i128;
};

template <Uint T>
struct Product {
  T low, high;
  bool overflow;  ///< CF = OF: the high half is significant
};

template <Uint T>
constexpr Product<T> multiply(T a, T b) {
  const auto p = static_cast<typename Wider<T>::U>(static_cast<typename Wider<T>::U>(a) * b);
  const T high = static_cast<T>(p >> kBits<T>);
  return {static_cast<T>(p), high, high != 0};
}

template <Uint T>
constexpr Product<T> multiply_signed(T a, T b) {
  using I = typename Wider<T>::I;
  const I p = static_cast<I>(static_cast<I>(static_cast<std::make_signed_t<T>>(a)) *
                             static_cast<std::make_signed_t<T>>(b));
  const T low = static_cast<T>(p);
  return {low, static_cast<T>(p >> kBits<T>),
          p != static_cast<I>(static_cast<std::make_signed_t<T>>(low))};
}

template <Uint T>
struct Quotient {
  T quotient, remainder;
};

/// nullopt: #DE.
template <Uint T>
constexpr std::optional<Quotient<T>> divide(T high, T low, T divisor) {
  using U = typename Wider<T>::U;
  if (divisor == 0 || high >= divisor) return std::nullopt;
  const U n = static_cast<U>(static_cast<U>(static_cast<U>(high) << kBits<T>) | low);
  return Quotient<T>{static_cast<T>(n / divisor), static_cast<T>(n % divisor)};
}

/// nullopt: #DE. By magnitudes, so that the most negative dividend is no special case.
template <Uint T>
constexpr std::optional<Quotient<T>> divide_signed(T high, T low, T divisor) {
  using U = typename Wider<T>::U;
  const bool n_negative = sign_bit(high), d_negative = sign_bit(divisor);
  U n = static_cast<U>(static_cast<U>(static_cast<U>(high) << kBits<T>) | low);
  if (n_negative) n = static_cast<U>(0 - n);
  const T d = d_negative ? static_cast<T>(0 - divisor) : divisor;
  const auto q = divide(static_cast<T>(n >> kBits<T>), static_cast<T>(n), d);
  if (!q) return std::nullopt;
  const bool negative = n_negative != d_negative;
  const T limit = static_cast<T>(T{1} << (kBits<T> - 1));
  if (negative ? q->quotient > limit : q->quotient >= limit) return std::nullopt;
  return Quotient<T>{negative ? static_cast<T>(0 - q->quotient) : q->quotient,
                     n_negative ? static_cast<T>(0 - q->remainder) : q->remainder};
}

}  // namespace ring3::muldiv
