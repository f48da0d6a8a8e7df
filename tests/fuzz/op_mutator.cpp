// SPDX-License-Identifier: MIT
// Mutations of programs: whole operations are inserted, copied, moved and dropped; in one, a field
// takes a value that devices find interesting.
#include <algorithm>
#include <array>
#include <iterator>

#include "tests/fuzz/player.h"
#include "tests/fuzz/regions.h"
#include "tests/fuzz/target.h"

namespace ring3::fuzz {
namespace {

using Random = std::minstd_rand;
using Code = std::vector<u8>;

constexpr u32 kInteresting[] = {
    0,          1,          2,          4,          7,          0xF,        0x10,       0x1F,
    0x20,       0x7F,       0x80,       0xEC,       0xA0,       0xA1,       0xC8,       0xCA,
    0x25,       0x35,       0xE7,       0xFE,       0xFF,       0x100,      0x1FF,      0x200,
    0x7FF,      0x800,      0xFFF,      0x1000,     0x7FFF,     0x8000,     0xFFFE,     0xFFFF,
    0x10000,    0x11000,    0x12000,    0xA0000,    0xB8000,    0xC0000,    0xFFFFF,    0x100000,
    0xFFFFF0,   0x1000000,  0x7FFFFFFF, 0x80000000, 0xE0000000, 0xFEBF0000, 0xFEC00000, 0xFED00000,
    0xFEE00000, 0xFF000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF, 0x80000001, 0xFFFFFF00, 0xFEE00FF0};

size_t below(Random& random, size_t bound) { return bound ? random() % bound : 0; }

u32 any_value(Random& random) {
  if (random() % 2) return kInteresting[below(random, std::size(kInteresting))];
  return random() % 2 ? static_cast<u32>(random() & 0xFF) : static_cast<u32>(random()) << 1;
}

u32 changed(u32 value, Random& random) {
  switch (random() % 5) {
    case 0:
      return value ^ 1u << random() % 32;
    case 1:
      return value + static_cast<u32>(random() % 9) - 4;
    case 2:
      return value ^ 1u << random() % 8;
    default:
      return any_value(random);
  }
}

Op random_op(Random& random) {
  Op op{static_cast<Kind>(random() % static_cast<u32>(Kind::kCount))};
  // Accesses more often than the rest.
  if (random() % 2) op.kind = static_cast<Kind>(random() % 10);
  const bool is_port = op.kind <= Kind::InRepeat;
  op.select = static_cast<u8>(random() % (is_port ? kPorts : 48) | (random() & 3) << 6);
  op.offset = static_cast<u16>(random() % 4 ? random() % 64 : random());
  op.value = any_value(random);
  return op;
}

void change_field(Code& code, size_t at, Random& random) {
  Op op = decode(std::span<const u8>(code).subspan(at).first<kOpSize>());
  switch (random() % 8) {
    case 0:
      op.kind = static_cast<Kind>(random() % static_cast<u32>(Kind::kCount));
      break;
    case 1:
      op.select = static_cast<u8>((op.select & 0xC0) | (random() & 63));
      break;
    case 2:
      op.select ^= static_cast<u8>(1u << (6 + random() % 2));
      break;
    case 3:
    case 4:
      op.offset = static_cast<u16>(changed(op.offset, random));
      break;
    default:
      op.value = changed(op.value, random);
  }
  Code bytes;
  append(bytes, op);
  std::copy(bytes.begin(), bytes.end(), code.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Some operations in a row: position and size in bytes.
std::pair<size_t, size_t> range_of(size_t bytes, size_t most, Random& random) {
  const size_t ops = bytes / kOpSize;
  const size_t first = below(random, ops);
  const size_t count = 1 + below(random, std::min(most, ops - first));
  return {first * kOpSize, count * kOpSize};
}

void insert(Code& code, std::span<const u8> what, Random& random) {
  const size_t at = below(random, code.size() / kOpSize + 1) * kOpSize;
  code.insert(code.begin() + static_cast<std::ptrdiff_t>(at), what.begin(), what.end());
}

void change_once(Code& code, std::span<const u8> other, Random& random) {
  const u32 what = random() % 16;
  if (what < 2 || code.size() < kOpSize) {
    Code op;
    append(op, random_op(random));
    return insert(code, op, random);
  }
  if (what < 4 && other.size() >= kOpSize) {
    const auto [at, size] = range_of(other.size(), 64, random);
    return insert(code, other.subspan(at, size), random);
  }
  const auto [at, size] = range_of(code.size(), what < 7 ? 16 : 1, random);
  const auto begin = code.begin() + static_cast<std::ptrdiff_t>(at);
  if (what < 5) {
    code.erase(begin, begin + static_cast<std::ptrdiff_t>(size));
  } else if (what < 7) {
    insert(code, Code(begin, begin + static_cast<std::ptrdiff_t>(size)), random);
  } else {
    change_field(code, at, random);
  }
}

}  // namespace

void mutate(std::vector<u8>& input, std::span<const u8> other, size_t longest,
            std::minstd_rand& random) {
  for (u32 times = 1 + random() % 4; times; --times) change_once(input, other, random);
  input.resize(std::min(input.size(), longest) / kOpSize * kOpSize);
}

}  // namespace ring3::fuzz
