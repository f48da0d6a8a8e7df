// SPDX-License-Identifier: MIT
// `silicon`: one case by its repro line, one row or all, or the coverage table.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/silicon/coverage.h"
#include "tests/silicon/runner.h"

namespace {

using namespace ring3;
using namespace ring3::silicon;

struct Arguments {
  Mode mode = Mode::Long64;
  std::vector<u8> bytes;
  u64 seed = 1, cases = 0;
  std::string row;
  bool coverage = false, all = false, ok = true;
};

std::vector<u8> parse_hex(const char* text) {
  std::vector<u8> bytes;
  for (char* end; *text; text = end) {
    const unsigned long value = std::strtoul(text, &end, 16);
    if (end == text) break;
    bytes.push_back(static_cast<u8>(value));
  }
  return bytes;
}

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--coverage") {
      a.coverage = true;
    } else if (name == "--all") {
      a.all = true;
    } else if (i + 1 >= argc) {
      a.ok = false;
    } else if (const char* value = argv[++i]; name == "--mode") {
      a.mode = std::strcmp(value, "32") == 0 ? Mode::Compat32 : Mode::Long64;
    } else if (name == "--bytes") {
      a.bytes = parse_hex(value);
    } else if (name == "--seed") {
      a.seed = std::strtoull(value, nullptr, 0);
    } else if (name == "--cases") {
      a.cases = std::strtoull(value, nullptr, 0);
    } else if (name == "--row") {
      a.row = value;
    } else {
      a.ok = false;
    }
  }
  return a;
}

/// Rows whose name is `only`, or all; the number that failed.
int run_rows(const std::string& only, u64 cases, u64 seed) {
  Runner runner;
  int failed = 0;
  u64 total = 0, tolerated = 0;
  for (int m = 1; m <= ZYDIS_MNEMONIC_MAX_VALUE; ++m) {
    const auto mnemonic = static_cast<ZydisMnemonic>(m);
    const char* name = ZydisMnemonicGetString(mnemonic);
    if (!is_compared(mnemonic) || (!only.empty() && only != name)) continue;
    const RowResult r = runner.run_row(mnemonic, cases, seed);
    total += r.cases;
    tolerated += r.tolerated;
    if (!only.empty())
      fmt::print("{}: {} forms, {} cases, {} completed\n", name, r.forms, r.cases, r.completed);
    if (r.mismatches == 0) continue;
    ++failed;
    fmt::print("{}: {} of {} cases differ\n{}\n", name, r.mismatches, r.cases, r.first_failure);
    std::fflush(stdout);
  }
  fmt::print("{} cases, {} tolerated (tolerances.def), {} rows differ\n", total, tolerated, failed);
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  if (a.ok && a.coverage) {
    fmt::print("{}", coverage_table());
    return 0;
  }
  if (a.ok && !a.bytes.empty()) {
    const std::string text = Runner().run_one(a.mode, a.bytes, a.seed, true);
    fmt::print("{}", text);
    return text == "both agree\n" ? 0 : 1;
  }
  if (a.ok && (a.all || !a.row.empty()))
    return run_rows(a.row, a.cases ? a.cases : cases_per_row(), a.seed) != 0;
  fmt::print(stderr,
             "usage: silicon --mode 32|64 --bytes HEX --seed N   one case, as a failure prints it\n"
             "       silicon --row NAME | --all [--cases N] [--seed N]\n"
             "       silicon --coverage                          the coverage table\n");
  return 1;
}
