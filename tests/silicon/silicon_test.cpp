// SPDX-License-Identifier: MIT
// Interpreter against silicon, one test per family of rows (DESIGN "Semantics once").
#include <catch2/catch.hpp>

#include "tests/silicon/runner.h"

namespace ring3::silicon {
namespace {

/// The failures of all compared rows of a family, one report each.
std::string failures(Family family) {
  Runner runner;
  std::string text;
  for (int m = 1; m <= ZYDIS_MNEMONIC_MAX_VALUE; ++m) {
    const auto mnemonic = static_cast<ZydisMnemonic>(m);
    if (!is_compared(mnemonic) || find_row(mnemonic)->family != family) continue;
    const RowResult r = runner.run_row(mnemonic, cases_per_row(), 1);
    if (r.mismatches) text += r.first_failure + '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("alu rows: every form -> as the host CPU") { CHECK(failures(Family::alu) == ""); }
TEST_CASE("shift rows: every form -> as the host CPU") { CHECK(failures(Family::shift) == ""); }
TEST_CASE("muldiv rows: every form -> as the host CPU") { CHECK(failures(Family::muldiv) == ""); }
TEST_CASE("bits rows: every form -> as the host CPU") { CHECK(failures(Family::bits) == ""); }
TEST_CASE("data rows: every form -> as the host CPU") { CHECK(failures(Family::data) == ""); }
TEST_CASE("decimal rows: every form -> as the host CPU") { CHECK(failures(Family::decimal) == ""); }
TEST_CASE("flags rows: every form -> as the host CPU") { CHECK(failures(Family::flags) == ""); }
TEST_CASE("flow rows: every form -> as the host CPU") { CHECK(failures(Family::flow) == ""); }
TEST_CASE("stack rows: every form -> as the host CPU") { CHECK(failures(Family::stack) == ""); }
TEST_CASE("string rows: every form -> as the host CPU") { CHECK(failures(Family::string) == ""); }
TEST_CASE("system rows: innocuous ones -> as the host CPU") {
  CHECK(failures(Family::system) == "");
}
TEST_CASE("x87 rows: every form -> as the host CPU") { CHECK(failures(Family::x87) == ""); }
TEST_CASE("mmx rows: every form -> as the host CPU") { CHECK(failures(Family::mmx) == ""); }
TEST_CASE("sse rows: every form -> as the host CPU") { CHECK(failures(Family::sse) == ""); }
TEST_CASE("avx rows: every form -> as the host CPU") { CHECK(failures(Family::avx) == ""); }
TEST_CASE("xsave rows: every form -> as the host CPU") { CHECK(failures(Family::xsave) == ""); }
TEST_CASE("crypto rows: every form -> as the host CPU") { CHECK(failures(Family::crypto) == ""); }

}  // namespace ring3::silicon
