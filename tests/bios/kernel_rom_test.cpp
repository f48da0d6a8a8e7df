// SPDX-License-Identifier: MIT
#include "bios/kernel_rom.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "base/bits.h"

namespace ring3 {
namespace {

constexpr std::array<u8, 4> kBytes = {1, 2, 3, 4};

LoadTarget memory() {
  LoadTarget target;
  target.write = [](u64, std::span<const u8>) { FAIL("memory is written"); };
  target.low_ram_end = 64 << 20;
  return target;
}

u8 sum(std::span<const u8> bytes) { return std::accumulate(bytes.begin(), bytes.end(), u8{0}); }

TEST_CASE("kernel ROM: what loaders write -> pieces in order, joined where they touch") {
  KernelPieces pieces;
  const LoadTarget target = pieces.target(memory());
  target.write(0x100000, kBytes);
  target.write(0x100004, kBytes);
  target.write(0x10000, kBytes);
  auto rom = pieces.rom({}, 0x8010);
  REQUIRE(rom);
  CHECK(load<u16>(&(*rom)[0x20]) == 2);
  CHECK(load<u16>(&(*rom)[0x22]) == 0x8010);
  CHECK(pieces.data() == std::vector<u8>{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4});
}

TEST_CASE("kernel ROM: header -> length, and sums that are zero of it all and of its $PnP part") {
  KernelPieces pieces;
  pieces.target(memory()).write(0x100000, kBytes);
  auto rom = pieces.rom({}, 0x8010);
  REQUIRE(rom);
  CHECK(load<u16>(rom->data()) == 0xAA55);
  CHECK((*rom)[2] * 512u == rom->size());
  CHECK(sum(*rom) == 0);
  const u16 pnp = load<u16>(&(*rom)[0x1A]);
  CHECK(std::string_view(reinterpret_cast<const char*>(&(*rom)[pnp]), 4) == "$PnP");
  CHECK(sum(std::span(*rom).subspan(pnp, 32)) == 0);
}

TEST_CASE("kernel ROM: the BIOS's end of memory -> is not for loaders") {
  KernelPieces pieces;
  CHECK(pieces.target(memory()).low_ram_end == (63 << 20));
}

TEST_CASE("kernel ROM: more pieces than a ROM has room for -> an error") {
  KernelPieces pieces;
  const LoadTarget target = pieces.target(memory());
  for (u64 n = 0; n < 5000; ++n) target.write(n * 8192, kBytes);
  CHECK_FALSE(pieces.rom({}, 0x8010));
}

}  // namespace
}  // namespace ring3
