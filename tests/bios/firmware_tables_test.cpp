// SPDX-License-Identifier: MIT
#include "bios/firmware_tables.h"

#include <catch2/catch.hpp>

#include "bios/memory_map.h"
#include "fake_machine.h"

namespace ring3 {
namespace {

using namespace test;  // NOLINT

constexpr u64 kMiB = 1 << 20, kGiB = 1 << 30;

struct Installed {
  explicit Installed(u64 ram = 128 * kMiB, const BoardInfo& board = {})
      : machine(ram), tables(install_firmware_tables(machine.target, board)) {}

  /// Addresses of the tables that the XSDT names.
  std::vector<u64> tables_of_xsdt() const {
    const u64 xsdt = machine.read<u64>(tables.rsdp + 24);
    std::vector<u64> out;
    for (u64 at = 36; at < machine.read<u32>(xsdt + 4); at += 8) {
      out.push_back(machine.read<u64>(xsdt + at));
    }
    return out;
  }
  u64 find(std::string_view signature) const {
    for (const u64 table : tables_of_xsdt()) {
      if (machine.text(table, 4) == signature) return table;
    }
    return 0;
  }
  u8 table_sum(u64 table) const { return machine.sum(table, machine.read<u32>(table + 4)); }

  FakeMachine machine;
  FirmwareTables tables;
};

}  // namespace

TEST_CASE("ACPI: RSDP -> both checksums, RSDT and XSDT name the same tables") {
  const Installed i;
  CHECK(i.tables.rsdp % 16 == 0);
  CHECK(i.machine.text(i.tables.rsdp, 8) == "RSD PTR ");
  CHECK(i.machine.sum(i.tables.rsdp, 20) == 0);
  CHECK(i.machine.sum(i.tables.rsdp, 36) == 0);
  const u64 rsdt = i.machine.read<u32>(i.tables.rsdp + 16);
  CHECK(i.table_sum(rsdt) == 0);
  CHECK(i.table_sum(i.machine.read<u64>(i.tables.rsdp + 24)) == 0);
  const auto wide = i.tables_of_xsdt();
  CHECK(wide.size() == 3);
  for (u64 n = 0; n < wide.size(); ++n) {
    CHECK(i.machine.read<u32>(rsdt + 36 + 4 * n) == wide[n]);
    CHECK(i.table_sum(wide[n]) == 0);
  }
}

TEST_CASE("ACPI: any memory size -> tables inside their E820 range") {
  const u64 ram = GENERATE(1 * kMiB, 2 * kMiB, 128 * kMiB, 3 * kGiB, 6 * kGiB);
  const Installed i(ram);
  const MemoryMap map(i.machine.target.low_ram_end, i.machine.target.high_ram_end);
  const u64 facp = i.find("FACP");
  CHECK(facp >= map.acpi_start);
  CHECK(facp < map.facs);
  CHECK(i.machine.text(map.facs, 4) == "FACS");
  CHECK_FALSE(i.machine.outside_ram);
}

TEST_CASE("ACPI: FADT -> the PIIX4's registers, by both kinds of field") {
  const Installed i;
  const u64 fadt = i.find("FACP");
  const auto field16 = [&](u64 offset) { return i.machine.read<u16>(fadt + offset); };
  const auto field32 = [&](u64 offset) { return i.machine.read<u32>(fadt + offset); };
  CHECK(i.machine.read<u32>(fadt + 4) == 244);
  CHECK(field16(46) == 9);
  CHECK(field32(48) == 0xB2);
  CHECK(field32(56) == 0x600);
  CHECK(field32(64) == 0x604);
  CHECK(field32(76) == 0x608);
  CHECK(field32(80) == 0xAFE0);
  CHECK(i.machine.read<u8>(fadt + 108) == 0x32);
  CHECK(field16(109) == 0x7);
  CHECK((field32(112) & (1 << 10)) != 0);
  CHECK(i.machine.read<u64>(fadt + 120) == 0xCF9);
  CHECK(i.machine.read<u8>(fadt + 128) == 6);
  CHECK(i.machine.read<u64>(fadt + 140) == field32(40));
  CHECK(i.machine.read<u64>(fadt + 148 + 4) == 0x600);
  CHECK(i.machine.read<u64>(fadt + 172 + 4) == 0x604);
  CHECK(i.machine.read<u64>(fadt + 208 + 4) == 0x608);
  CHECK(i.machine.read<u64>(fadt + 220 + 4) == 0xAFE0);
  CHECK(i.table_sum(field32(40)) == 0);
  CHECK(i.machine.text(field32(40), 4) == "DSDT");
}

TEST_CASE("ACPI: board without HPET -> no HPET table") {
  BoardInfo board;
  board.hpet = false;
  CHECK(Installed(128 * kMiB, board).find("HPET") == 0);
}

TEST_CASE("ACPI: MADT -> one local APIC for each cpu, the timer at GSI 2") {
  BoardInfo board;
  board.cpus = 3;
  const Installed i(128 * kMiB, board);
  const u64 madt = i.find("APIC");
  CHECK(i.machine.read<u32>(madt + 4) == 44 + 3 * 8 + 12 + 5 * 10 + 6);
  const u64 override = madt + 44 + 3 * 8 + 12;
  CHECK(i.machine.read<u16>(override) == 0x0A02);
  CHECK(i.machine.read<u32>(override + 4) == 2);
}

TEST_CASE("SMBIOS: entry point -> checksums, length and count agree with the structures") {
  const Installed i(6 * kGiB);
  const u64 entry = i.tables.smbios;
  CHECK(i.machine.text(entry, 4) == "_SM_");
  CHECK(i.machine.sum(entry, 0x1F) == 0);
  CHECK(i.machine.sum(entry + 0x10, 0xF) == 0);
  u64 at = i.machine.read<u32>(entry + 0x18);
  const u64 end = at + i.machine.read<u16>(entry + 0x16);
  std::vector<u8> types;
  while (at < end) {
    types.push_back(i.machine.byte(at));
    at += i.machine.byte(at + 1);
    while (i.machine.read<u16>(at) != 0) ++at;
    at += 2;
  }
  CHECK(at == end);
  CHECK(types == std::vector<u8>{0, 1, 3, 4, 16, 17, 19, 19, 32, 127});
  CHECK(types.size() == i.machine.read<u16>(entry + 0x1C));
}

TEST_CASE("MP table: floating pointer -> table with a right checksum and entry count") {
  const Installed i;
  CHECK(i.machine.text(i.tables.mp_table, 4) == "_MP_");
  CHECK(i.machine.sum(i.tables.mp_table, 16) == 0);
  const u64 table = i.machine.read<u32>(i.tables.mp_table + 4);
  const u64 length = i.machine.read<u16>(table + 4);
  CHECK(i.machine.sum(table, length) == 0);
  u64 entries = 0;
  for (u64 at = 44; at < length; at += i.machine.byte(table + at) == 0 ? 20 : 8) ++entries;
  CHECK(entries == i.machine.read<u16>(table + 34));
}

TEST_CASE("BIOS data area: COM ports, EBDA and base memory") {
  BoardInfo board;
  board.com_ports = 0b0011;
  const Installed i(128 * kMiB, board);
  CHECK(i.machine.read<u32>(0x400) == 0x02F803F8);
  CHECK(i.machine.read<u16>(0x40E) == 0x9FC0);
  CHECK(i.machine.read<u16>(0x413) == 639);
  CHECK(i.machine.read<u32>(0x10 * 4) == 0xF000FF60);
}

}  // namespace ring3
