// SPDX-License-Identifier: MIT
#include "host/memory.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

namespace ring3 {

TEST_CASE("host memory: in large pages -> at a multiple of their size, whole, zero, its own") {
  for (const u64 bytes : {u64{kPageSize}, HostMemory::kLargePage, 3 * HostMemory::kLargePage + 1}) {
    HostMemory first(bytes, "first", HostMemory::Kind::Large);
    HostMemory second(bytes, "second", HostMemory::Kind::Large);
    CHECK(first.size() == (bytes + kPageMask) / kPageSize * kPageSize);
    for (const HostMemory* m : {&first, &second}) {
      CHECK(reinterpret_cast<u64>(m->data()) % HostMemory::kLargePage == 0);
      CHECK(std::ranges::all_of(m->span(), [](u8 b) { return b == 0; }));
    }
    std::memset(first.data(), 0xAA, first.size());
    CHECK(std::ranges::all_of(second.span(), [](u8 b) { return b == 0; }));
    const HostMemory moved = std::move(first);
    CHECK(moved.data()[moved.size() - 1] == 0xAA);
  }
}

}  // namespace ring3
