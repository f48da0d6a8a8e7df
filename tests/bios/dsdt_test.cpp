// SPDX-License-Identifier: MIT
#include "bios/dsdt.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iterator>

#include "bios/acpi_tables.h"
#include "fake_machine.h"

namespace ring3 {
namespace {

using namespace test;  // NOLINT
using aml::Bytes;

/// The DSDT as ASL, or nothing if the disassembler is not installed.
std::string disassemble(const BoardInfo& board) {
  const AcpiTables tables = build_acpi_tables(board, 0x100000, 0x200000);
  const u32 size = load<u32>(tables.tables.data() + 4);
  const TempFile file(std::span(tables.tables).first(size));
  const std::string output = file.path() + ".dsl";
  const std::string command = "iasl -p " + file.path() + " -d " + file.path() + " >/dev/null 2>&1";
  if (std::system("command -v iasl >/dev/null 2>&1") != 0) return {};
  CHECK(std::system(command.c_str()) == 0);
  std::ifstream in(output);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const std::string check = "iasl -oa -p " + file.path() + " " + output + " 2>&1";
  CHECK(std::system((check + " | grep -q '0 Errors, 0 Warnings'").c_str()) == 0);
  std::filesystem::remove(output);
  std::filesystem::remove(file.path() + ".aml");
  return text;
}

}  // namespace

TEST_CASE("AML: integers -> the shortest encoding") {
  CHECK(aml::integer(0) == Bytes{0x00});
  CHECK(aml::integer(1) == Bytes{0x01});
  CHECK(aml::integer(0xFF) == Bytes{0x0A, 0xFF});
  CHECK(aml::integer(0x1234) == Bytes{0x0B, 0x34, 0x12});
  CHECK(aml::integer(0x12345678) == Bytes{0x0C, 0x78, 0x56, 0x34, 0x12});
  CHECK(aml::integer(1ull << 32) == Bytes{0x0E, 0, 0, 0, 0, 1, 0, 0, 0});
}

TEST_CASE("AML: names -> root, dual and multi prefixes, padding") {
  CHECK(aml::path("_SB") == Bytes{'_', 'S', 'B', '_'});
  CHECK(aml::path("\\A.B") == Bytes{'\\', 0x2E, 'A', '_', '_', '_', 'B', '_', '_', '_'});
  CHECK(aml::path("A.B.C").at(0) == 0x2F);
  CHECK(aml::path("A.B.C").at(1) == 3);
}

TEST_CASE("AML: EISA id -> compressed, as the specification's PNP0A03 example") {
  CHECK(aml::eisa_id("PNP0A03") == Bytes{0x0C, 0x41, 0xD0, 0x0A, 0x03});
}

TEST_CASE("AML: package length -> counts itself, in one, two or three bytes") {
  // Buffer: opcode, length, size integer, content.
  CHECK(aml::buffer(Bytes(60, 0)).at(1) == 63);
  const Bytes two = aml::buffer(Bytes(61, 0));
  CHECK(two.at(1) == (0x40 | ((61 + 2 + 2) & 0xF)));
  CHECK(two.at(2) == (61 + 2 + 2) >> 4);
  const Bytes three = aml::buffer(Bytes(0x1000, 0));
  CHECK(three.at(1) >> 6 == 2);
  CHECK((three.at(1) & 0xF) + (three.at(2) << 4) + (three.at(3) << 12) == 0x1000 + 3 + 3);
}

TEST_CASE("DSDT: whole board -> disassembles and compiles again without a warning") {
  BoardInfo board;
  board.com_ports = 0b1111;
  board.mouse = true;
  const std::string text = disassemble(board);
  if (text.empty()) {
    WARN("iasl is not installed: not disassembled");
    return;
  }
  for (const char* part : {"\\_S5", "PNP0A03", "_PRT", "LNKA", "LNKS", "PNP0501", "PNP0303",
                           "PNP0F13", "PNP0B00", "PNP0103", "ACPI0007", "0xFEBFFFFF"}) {
    CAPTURE(part);
    CHECK(contains(text, part));
  }
}

TEST_CASE("DSDT: chips that are not there -> not named") {
  BoardInfo board;
  board.keyboard = false;
  board.hpet = false;
  board.com_ports = 0;
  const Bytes block = dsdt_definition_block(board);
  const std::string raw(block.begin(), block.end());
  CHECK_FALSE(contains(raw, "COM1"));
  CHECK_FALSE(contains(raw, "KBD_"));
  CHECK_FALSE(contains(raw, "HPET"));
}

}  // namespace ring3
