// SPDX-License-Identifier: MIT
// Pure bit operations: test and modify, scans, BMI1, BMI2, ADX, CRC32.
#pragma once

#include <bit>

#include "core/alu.h"

namespace ring3::bitops {

// Bit test: run(a, mask) -> new value; CF is the old bit.
struct Bt {
  template <Uint T>
  static constexpr T run(T a, T) {
    return a;
  }
};
struct Bts {
  template <Uint T>
  static constexpr T run(T a, T mask) {
    return a | mask;
  }
};
struct Btr {
  template <Uint T>
  static constexpr T run(T a, T mask) {
    return a & ~mask;
  }
};
struct Btc {
  template <Uint T>
  static constexpr T run(T a, T mask) {
    return a ^ mask;
  }
};

// Two operands, destination written always: run(src) with the flags it defines.
struct Tzcnt {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    const T r = static_cast<T>(std::countr_zero(a));
    return {r, flag_if(a == 0, flag::CF) | flag_if(r == 0, flag::ZF)};
  }
};
struct Lzcnt {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    const T r = static_cast<T>(std::countl_zero(a));
    return {r, flag_if(a == 0, flag::CF) | flag_if(r == 0, flag::ZF)};
  }
};
struct Popcnt {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    return {static_cast<T>(std::popcount(a)), flag_if(a == 0, flag::ZF)};
  }
};
struct Blsi {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    const T r = static_cast<T>(a & (0 - a));
    return {r, (result_flags(r) & ~flag::PF) | flag_if(a != 0, flag::CF)};
  }
};
struct Blsr {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    const T r = static_cast<T>(a & (a - 1));
    return {r, (result_flags(r) & ~flag::PF) | flag_if(a == 0, flag::CF)};
  }
};
struct Blsmsk {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a) {
    const T r = static_cast<T>(a ^ (a - 1));
    return {r, (result_flags(r) & ~(flag::PF | flag::ZF)) | flag_if(a == 0, flag::CF)};
  }
};

// Three operands: run(first source, second source).
struct Andn {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T b) {
    const T r = static_cast<T>(~a & b);
    return {r, result_flags(r) & ~flag::PF};
  }
};
struct Bextr {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T control) {
    const unsigned start = control & 0xFF, length = control >> 8 & 0xFF;
    const T shifted = start < kBits<T> ? static_cast<T>(a >> start) : T{0};
    const T r = length < kBits<T> ? static_cast<T>(shifted & low_mask(length)) : shifted;
    return {r, flag_if(r == 0, flag::ZF)};
  }
};
struct Bzhi {
  static constexpr u64 kWrites = flag::kArith;
  template <Uint T>
  static constexpr Alu<T> run(T a, T index) {
    const unsigned n = index & 0xFF;
    const T r = n < kBits<T> ? static_cast<T>(a & low_mask(n)) : a;
    return {r, (result_flags(r) & ~flag::PF) | flag_if(n >= kBits<T>, flag::CF)};
  }
};
struct Pdep {
  static constexpr u64 kWrites = 0;
  template <Uint T>
  static constexpr Alu<T> run(T a, T mask) {
    T r = 0;
    for (; mask; mask &= static_cast<T>(mask - 1), a >>= 1)
      if (a & 1) r |= mask & static_cast<T>(0 - mask);
    return {r, 0};
  }
};
struct Pext {
  static constexpr u64 kWrites = 0;
  template <Uint T>
  static constexpr Alu<T> run(T a, T mask) {
    T r = 0;
    for (unsigned k = 0; mask; mask &= static_cast<T>(mask - 1), ++k)
      if (a & (mask & static_cast<T>(0 - mask))) r |= static_cast<T>(T{1} << k);
    return {r, 0};
  }
};

/// CRC32 of the CRC-32C polynomial, reflected, over one operand (SDM 2A CRC32).
template <Uint T>
constexpr u32 crc32c(u32 crc, T data) {
  for (unsigned n = 0; n < sizeof(T); ++n) {
    crc ^= static_cast<u8>(data >> (8 * n));
    for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
  }
  return crc;
}

}  // namespace ring3::bitops
