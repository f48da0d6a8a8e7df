// SPDX-License-Identifier: MIT
#include "bios/rom_image.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "base/bits.h"
#include "bios/memory_map.h"

namespace ring3 {
namespace {

constexpr u64 kRam = 256 << 20;

std::vector<u8> rom(const RomOptions& options = {}) {
  LoadTarget target;
  target.write = [](u64, std::span<const u8>) { FAIL("RAM is written"); };
  target.low_ram_end = kRam;
  return build_rom(target, {}, options);
}

/// The offset of `text` at a multiple of 16.
size_t find_table(const std::vector<u8>& image, std::string_view text) {
  for (size_t at = 0; at < image.size(); at += 16)
    if (std::memcmp(&image[at], text.data(), text.size()) == 0) return at;
  return image.size();
}

TEST_CASE("ROM: reset vector -> a far jump into F000h; date and model where they belong") {
  const std::vector<u8> image = rom();
  REQUIRE(image.size() == kRomSize);
  CHECK(image[0xFFF0] == 0xEA);
  CHECK(load<u16>(&image[0xFFF3]) == 0xF000);
  CHECK(image[0xFFF7] == '/');
  CHECK(image[0xFFFE] == 0xFC);
}

TEST_CASE("ROM: header -> the memory map of the board") {
  const std::vector<u8> image = rom();
  const MemoryMap map(kRam, 0x1'0000'0000);
  REQUIRE(load<u16>(&image[0x12]) == map.entries.size());
  for (size_t n = 0; n < map.entries.size(); ++n) {
    CHECK(load<u64>(&image[0x40 + 20 * n]) == map.entries[n].start);
    CHECK(load<u64>(&image[0x48 + 20 * n]) == map.entries[n].size);
    CHECK(load<u32>(&image[0x50 + 20 * n]) == static_cast<u32>(map.entries[n].type));
  }
  CHECK(load<u16>(&image[0x16]) == 15 * 1024);
  CHECK(load<u16>(&image[0x18]) == (map.usable_end - (16 << 20)) / 65536);
}

TEST_CASE("ROM: tables -> RSDP, MP and SMBIOS entries with their checksums") {
  const std::vector<u8> image = rom();
  const auto sums_to_zero = [&](size_t at, size_t size) {
    REQUIRE(at + size <= image.size());
    return std::accumulate(&image[at], &image[at] + size, u8{0}) == 0;
  };
  CHECK(sums_to_zero(find_table(image, "RSD PTR "), 36));
  CHECK(sums_to_zero(find_table(image, "_MP_"), 16));
  CHECK(sums_to_zero(find_table(image, "_SM_"), 0x1F));
}

TEST_CASE("ROM: options -> flags and the entry that is started after POST") {
  EntryState entry;
  entry.mode = EntryMode::Real16;
  entry.cs = 0x9020;
  entry.ds = 0x9000;
  entry.rsp = 0xFFF0;
  const std::vector<u8> image = rom({.serial_console = true, .boot_menu = true, .entry = entry});
  CHECK(image[0x10] == 3);
  CHECK(load<u32>(&image[0x1C]) == 0x9020'0000);
  CHECK(load<u16>(&image[0x20]) == 0x9000);
  CHECK(load<u16>(&image[0x22]) == 0xFFF0);
  CHECK(load<u32>(&rom()[0x1C]) == 0);
}

}  // namespace
}  // namespace ring3
