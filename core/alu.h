// SPDX-License-Identifier: MIT
// Pure integer operations with their arithmetic flags (SDM 1 "EFLAGS Cross-Reference"). An op is a
// struct: kWrites names the flags it defines, run() has no cpu in sight.
#pragma once

#include "base/bits.h"
#include "core/cpu_state.h"

namespace ring3 {

template <Uint T>
struct Alu {
  T value;
  u64 flags;
};

template <Uint T>
inline constexpr unsigned kBits = sizeof(T) * 8;

template <Uint T>
constexpr bool sign_bit(T v) {
  return v >> (kBits<T> - 1) & 1;
}

constexpr u64 flag_if(bool condition, u64 f) { return condition ? f : 0; }

/// SF, ZF and PF of a result.
template <Uint T>
constexpr u64 result_flags(T r) {
  return flag_if(!__builtin_parity(static_cast<u8>(r)), flag::PF) | flag_if(r == 0, flag::ZF) |
         flag_if(sign_bit(r), flag::SF);
}

namespace alu {

template <Uint T>
constexpr Alu<T> add(T a, T b, bool carry) {
  const T r = static_cast<T>(a + b + carry);
  const bool cf = carry ? r <= a : r < a;
  const bool of = sign_bit<T>((a ^ r) & (b ^ r));
  return {r, result_flags(r) | flag_if(cf, flag::CF) | ((a ^ b ^ r) & flag::AF) |
                 flag_if(of, flag::OF)};
}

template <Uint T>
constexpr Alu<T> sub(T a, T b, bool borrow) {
  const T r = static_cast<T>(a - b - borrow);
  const bool cf = borrow ? a <= b : a < b;
  const bool of = sign_bit<T>((a ^ b) & (a ^ r));
  return {r, result_flags(r) | flag_if(cf, flag::CF) | ((a ^ b ^ r) & flag::AF) |
                 flag_if(of, flag::OF)};
}

// Binary operations: run(a, b, flags before).
struct Add {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T b, u64) {
    return add(a, b, false);
  }
};
struct Adc {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T b, u64 f) {
    return add(a, b, f & flag::CF);
  }
};
struct Sub {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T b, u64) {
    return sub(a, b, false);
  }
};
struct Sbb {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T b, u64 f) {
    return sub(a, b, f & flag::CF);
  }
};
// AF after a logical operation is undefined; silicon clears it.
struct And {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T b, u64) {
    const T r = a & b;
    return {r, result_flags(r)};
  }
};
struct Or {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T b, u64) {
    const T r = a | b;
    return {r, result_flags(r)};
  }
};
struct Xor {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T b, u64) {
    const T r = a ^ b;
    return {r, result_flags(r)};
  }
};

// Unary operations: run(a).
struct Inc {
  static constexpr u64 kWrites = flag::kArith & ~flag::CF;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    const Alu<T> r = add(a, T{1}, false);
    return {r.value, r.flags & ~flag::CF};
  }
};
struct Dec {
  static constexpr u64 kWrites = flag::kArith & ~flag::CF;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    const Alu<T> r = sub(a, T{1}, false);
    return {r.value, r.flags & ~flag::CF};
  }
};
struct Neg {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    return sub(T{0}, a, false);
  }
};
struct Not {
  static constexpr u64 kWrites = 0;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    return {static_cast<T>(~a), 0};
  }
};

}  // namespace alu
}  // namespace ring3
