// SPDX-License-Identifier: MIT
// The words every folder shares: fixed-width integers and the three kinds of address.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace ring3 {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

template <class T>
concept Uint =
    std::same_as<T, u8> || std::same_as<T, u16> || std::same_as<T, u32> || std::same_as<T, u64>;

inline constexpr u64 kPageShift = 12;
inline constexpr u64 kPageSize = 1 << kPageShift;
inline constexpr u64 kPageMask = kPageSize - 1;

/// An address after segmentation, before paging.
struct LinearAddr {
  u64 value = 0;
  constexpr auto operator<=>(const LinearAddr&) const = default;
  constexpr LinearAddr operator+(u64 n) const { return {value + n}; }
  constexpr LinearAddr page() const { return {value & ~kPageMask}; }
  constexpr u64 offset() const { return value & kPageMask; }
};

/// A guest physical address.
struct PhysAddr {
  u64 value = 0;
  constexpr auto operator<=>(const PhysAddr&) const = default;
  constexpr PhysAddr operator+(u64 n) const { return {value + n}; }
  constexpr PhysAddr page() const { return {value & ~kPageMask}; }
  constexpr u64 offset() const { return value & kPageMask; }
};

}  // namespace ring3
