// SPDX-License-Identifier: MIT
#include "bios/pci_routing.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "base/bits.h"

namespace ring3 {
namespace {

TEST_CASE("$PIR: the board -> sums up to zero, links turn with slot and pin") {
  const std::vector<u8> table = build_pci_routing();
  CHECK(load<u32>(&table[0]) == 0x52495024);
  CHECK(load<u16>(&table[6]) == table.size());
  CHECK(std::accumulate(table.begin(), table.end(), u8{0}) == 0);
  const auto link = [&](unsigned slot, unsigned pin) {
    return table[32 + 16 * (slot - 1) + 2 + 3 * pin];
  };
  CHECK(link(1, 0) == 0x60);
  CHECK(link(3, 0) == 0x62);
  CHECK(link(3, 1) == 0x63);
  CHECK(link(4, 1) == 0x60);
}

}  // namespace
}  // namespace ring3
