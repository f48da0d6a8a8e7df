// SPDX-License-Identifier: MIT
#include "bios/embedded_guest.h"

#include <catch2/catch.hpp>

#include "bios/multiboot_loader.h"
#include "fake_machine.h"

namespace ring3 {

TEST_CASE("embedded guest: no file -> in memory, entered in real mode with Multiboot information") {
  test::FakeMachine machine(u64{16} << 20);
  const auto entry = load_embedded_guest(machine.target);
  REQUIRE(entry.ok());
  CHECK((*entry).mode == EntryMode::Real16);
  CHECK((*entry).cs == 0x1000);
  CHECK((*entry).rip == 0);
  CHECK(machine.byte(0x10000) == 0xEB);
  CHECK((machine.read<u32>((*entry).rbx) & (1 << 6)) != 0);
}

TEST_CASE("embedded guest: image -> a Multiboot kernel of less than 64 KiB") {
  CHECK(is_multiboot_image(embedded_guest_image()));
  CHECK(embedded_guest_image().size() < 0x10000);
}

TEST_CASE("embedded guest: 1 MiB of RAM -> an error that asks for more") {
  test::FakeMachine machine(u64{1} << 20);
  const auto entry = load_embedded_guest(machine.target);
  REQUIRE_FALSE(entry.ok());
  CHECK(test::contains(entry.error(), "raise -m"));
}

}  // namespace ring3
