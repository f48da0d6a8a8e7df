// SPDX-License-Identifier: MIT
// Mutations of inputs that are bytes: files and texts.
#include <algorithm>
#include <iterator>

#include "tests/fuzz/target.h"

namespace ring3::fuzz {
namespace {

constexpr u64 kInteresting[] = {0,
                                1,
                                2,
                                8,
                                0x1FF,
                                0x200,
                                0x400,
                                0x600,
                                0x800,
                                0xA00,
                                0x7FFF,
                                0xFFFF,
                                0x10000,
                                1 << 21,
                                0x7FFFFFFF,
                                0x80000000,
                                0xFFFFFFFF,
                                u64{1} << 55,
                                u64{1} << 62,
                                u64{1} << 63,
                                ~u64{0},
                                ~u64{0} - 511};

size_t below(std::minstd_rand& random, size_t bound) { return bound ? random() % bound : 0; }

/// A number of 1, 2, 4 or 8 bytes, in either order, mostly where one would stand.
void put_number(std::vector<u8>& input, std::minstd_rand& random) {
  const size_t size = size_t{1} << random() % 4;
  if (input.size() < size) return;
  size_t at = below(random, input.size() - size + 1);
  if (random() % 4) at = at / size * size;
  const u64 value = random() % 2 ? kInteresting[below(random, std::size(kInteresting))]
                                 : u64{random()} << below(random, 48);
  const bool big = random() % 2;
  for (size_t i = 0; i < size; ++i)
    input[at + i] = static_cast<u8>(value >> (8 * (big ? size - 1 - i : i)));
}

void copy_part(std::vector<u8>& input, std::span<const u8> from, std::minstd_rand& random) {
  const size_t at = below(random, from.size()), size = 1 + below(random, from.size() - at);
  const std::vector<u8> part(from.begin() + static_cast<std::ptrdiff_t>(at),
                             from.begin() + static_cast<std::ptrdiff_t>(at + size));
  const size_t to = below(random, input.size() + 1);
  if (random() % 2) {
    input.insert(input.begin() + static_cast<std::ptrdiff_t>(to), part.begin(), part.end());
  } else {
    std::copy_n(part.begin(), std::min(part.size(), input.size() - to),
                input.begin() + static_cast<std::ptrdiff_t>(to));
  }
}

void change_once(std::vector<u8>& input, std::span<const u8> other, std::minstd_rand& random) {
  if (input.empty()) return input.push_back(static_cast<u8>(random()));
  const size_t at = below(random, input.size());
  switch (random() % 8) {
    case 0:
      input[at] = static_cast<u8>(random());
      return;
    case 1:
    case 2:
      input[at] ^= static_cast<u8>(1u << random() % 8);
      return;
    case 3:
      return copy_part(
          input,
          other.empty() ? std::vector<u8>(input) : std::vector<u8>(other.begin(), other.end()),
          random);
    case 4:
      input.erase(
          input.begin() + static_cast<std::ptrdiff_t>(at),
          input.begin() + static_cast<std::ptrdiff_t>(
                              at + 1 + below(random, std::min<size_t>(input.size() - at, 64))));
      return;
    default:
      return put_number(input, random);
  }
}

}  // namespace

void mutate(std::vector<u8>& input, std::span<const u8> other, size_t longest,
            std::minstd_rand& random) {
  for (u32 times = 1 + random() % 4; times; --times) change_once(input, other, random);
  input.resize(std::min(input.size(), longest));
}

}  // namespace ring3::fuzz
