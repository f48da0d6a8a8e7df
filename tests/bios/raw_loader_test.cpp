// SPDX-License-Identifier: MIT
#include "bios/raw_loader.h"

#include <catch2/catch.hpp>

#include "bios/memory_map.h"
#include "fake_machine.h"

namespace ring3 {
namespace {

using namespace test;  // NOLINT

constexpr u64 kMiB = 1 << 20;

}  // namespace

TEST_CASE("raw image: each mode -> its entry state") {
  FakeMachine machine(16 * kMiB);
  const TempFile file(filled(100, 0x90));
  const auto real = load_raw(machine.target, file.path(), 0x1000, EntryMode::Real16);
  REQUIRE(real.ok());
  CHECK((*real).cs == 0);
  CHECK((*real).rip == 0x1000);
  const auto high = load_raw(machine.target, file.path(), 0x2000F, EntryMode::Real16);
  REQUIRE(high.ok());
  CHECK((*high).cs == 0x2000);
  CHECK((*high).rip == 0xF);
  const auto flat = load_raw(machine.target, file.path(), 0x100000, EntryMode::Protected32);
  REQUIRE(flat.ok());
  CHECK((*flat).rip == 0x100000);
  const auto wide = load_raw(machine.target, file.path(), 0x100000, EntryMode::Long64);
  REQUIRE(wide.ok());
  CHECK((*wide).cr3 != 0);
}

TEST_CASE("raw image: outside RAM or above 1 MiB in real mode -> error") {
  FakeMachine machine(16 * kMiB);
  const TempFile file(filled(100, 0x90));
  CHECK_FALSE(load_raw(machine.target, file.path(), 16 * kMiB - 99, EntryMode::Protected32).ok());
  CHECK_FALSE(load_raw(machine.target, file.path(), ~u64{0}, EntryMode::Long64).ok());
  CHECK_FALSE(load_raw(machine.target, file.path(), 0x100000, EntryMode::Real16).ok());
}

TEST_CASE("raw image: at 7C00h in long mode -> tables and stack leave it alone") {
  FakeMachine machine(16 * kMiB);
  const std::vector<u8> image = filled(0x70000, 0x90);
  const TempFile file(image);
  const auto entry = load_raw(machine.target, file.path(), 0x7C00, EntryMode::Long64);
  REQUIRE(entry.ok());
  CHECK((*entry).rsp <= 0x7C00);
  for (u64 at : {u64{0x7C00}, u64{0x7FF8}, 0x7C00 + image.size() - 8})
    CHECK(machine.read<u64>(at) == load<u64>(image.data()));
  CHECK(((machine.read<u64>((*entry).cr3) & ~kPageMask) != 0));
}

TEST_CASE("raw image: over the page tables of long mode -> error") {
  FakeMachine machine(16 * kMiB);
  const TempFile file(filled(0x1000, 0x90));
  const auto entry =
      load_raw(machine.target, file.path(), layout::kBootPages - 1, EntryMode::Long64);
  REQUIRE_FALSE(entry.ok());
  CHECK(entry.error().find("page tables at 0x80000 to 0x86000") != std::string::npos);
  CHECK(load_raw(machine.target, file.path(), layout::kBootPagesEnd, EntryMode::Long64).ok());
  CHECK(load_raw(machine.target, file.path(), layout::kBootPages, EntryMode::Protected32).ok());
}

TEST_CASE("boot sector: signature -> loaded at 7C00h; without it an error") {
  FakeMachine machine(16 * kMiB);
  auto sector = filled(512, 0);
  const TempFile bad(sector);
  CHECK_FALSE(load_boot_sector(machine.target, bad.path()).ok());
  store(sector.data() + 510, u16{0xAA55});
  const TempFile good(sector);
  const auto entry = load_boot_sector(machine.target, good.path());
  REQUIRE(entry.ok());
  CHECK((*entry).rip == 0x7C00);
  CHECK((*entry).rdx == 0x80);
  CHECK(machine.read<u16>(0x7DFE) == 0xAA55);
}

TEST_CASE("BIOS image: 256 KiB -> all of it up to 4 GiB, the last 128 KiB up to 1 MiB") {
  const TempFile file(filled(0x40000, 0xEA));
  const auto bios = read_bios(file.path());
  REQUIRE(bios.ok());
  CHECK((*bios).high_address == 0xFFFC0000);
  CHECK((*bios).low_address == 0xE0000);
  CHECK((*bios).low().size() == 0x20000);
  CHECK((*bios).entry.mode == EntryMode::Reset);
}

TEST_CASE("BIOS image: odd size -> error") {
  const TempFile file(filled(1000, 0));
  CHECK_FALSE(read_bios(file.path()).ok());
}

TEST_CASE("image file: a directory or a device -> error, not a hang") {
  CHECK_FALSE(read_image("-kernel", "/").ok());
  CHECK_FALSE(read_image("-kernel", "/dev/zero").ok());
}

}  // namespace ring3
