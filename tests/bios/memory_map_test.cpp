// SPDX-License-Identifier: MIT
#include "bios/memory_map.h"

#include <catch2/catch.hpp>

namespace ring3 {
namespace {

constexpr u64 kMiB = 1 << 20, kGiB = 1 << 30, kFourGiB = 4 * kGiB;

MemoryMap map_for(u64 ram) {
  const u64 low = std::min(ram, 3 * kGiB);
  return MemoryMap(low, kFourGiB + ram - low);
}

u64 total(const MemoryMap& map, E820Type type) {
  u64 sum = 0;
  for (const E820Entry& entry : map.entries) sum += entry.type == type ? entry.size : 0;
  return sum;
}

}  // namespace

TEST_CASE("E820: any size -> ascending, no overlap, no empty entry") {
  const u64 ram = GENERATE(1 * kMiB, 2 * kMiB, 128 * kMiB, 3 * kGiB, 6 * kGiB);
  const MemoryMap map = map_for(ram);
  u64 end = 0;
  for (const E820Entry& entry : map.entries) {
    CAPTURE(ram, entry.start);
    CHECK(entry.start >= end);
    CHECK(entry.size > 0);
    end = entry.end();
  }
}

TEST_CASE("E820: 1 MiB -> base memory only, tables below F0000h") {
  const MemoryMap map = map_for(1 * kMiB);
  CHECK(total(map, E820Type::Ram) == 0x9FC00);
  CHECK(map.acpi_start == 0xD0000);
  CHECK(map.facs + layout::kNvsSize == 0xF0000);
  CHECK(map.usable_end == 1 * kMiB);
}

TEST_CASE("E820: 128 MiB -> ACPI data and NVS at the top of RAM") {
  const MemoryMap map = map_for(128 * kMiB);
  CHECK(map.acpi_start == 128 * kMiB - 0x20000);
  CHECK(map.usable_end == map.acpi_start);
  CHECK(total(map, E820Type::Ram) == 0x9FC00 + 127 * kMiB - 0x20000);
  CHECK(total(map, E820Type::AcpiReclaim) == layout::kAcpiSize);
  CHECK(total(map, E820Type::AcpiNvs) == layout::kNvsSize);
}

TEST_CASE("E820: 3 GiB -> nothing above 4 GiB") {
  CHECK(map_for(3 * kGiB).entries.back().end() == kFourGiB);
}

TEST_CASE("E820: 6 GiB -> three of them above 4 GiB") {
  const E820Entry last = map_for(6 * kGiB).entries.back();
  CHECK(last.start == kFourGiB);
  CHECK(last.size == 3 * kGiB);
  CHECK(last.type == E820Type::Ram);
}

}  // namespace ring3
