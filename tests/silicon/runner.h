// SPDX-License-Identifier: MIT
// Runs the cases of a row in both worlds.
#pragma once

#include "decoder/isa.h"
#include "tests/silicon/guest.h"
#include "tests/silicon/native.h"

namespace ring3::silicon {

/// Cases per row: the fast subset, or with RING3_NIGHTLY=1 at least 20,000.
u64 cases_per_row();

struct RowResult {
  u64 forms = 0, cases = 0, completed = 0, tolerated = 0, mismatches = 0;
  std::string first_failure;
};

class Runner {
 public:
  RowResult run_row(ZydisMnemonic mnemonic, u64 cases, u64 seed);
  /// One case by its repro line; the report, or empty if both agree.
  std::string run_one(Mode mode, std::span<const u8> bytes, u64 seed, bool always_report);

 private:
  bool place(Mode mode, std::span<const u8> bytes, Decode& d);
  /// True if both agree; else fills `failure`.
  bool compare_case(const Decode& d, const Case& c, RowResult& result);
  void run_form(const Form& form, u64 cases, Rng& rng, RowResult& result);

  Native native_;
  Guest guest_;
  std::string last_report_;
};

/// The forms of a row that are run: both modes, skips removed.
std::vector<const Form*> runnable_forms(ZydisMnemonic mnemonic);

/// Rows that are compared with silicon: innocuous and not in skips.def.
bool is_compared(ZydisMnemonic mnemonic);

}  // namespace ring3::silicon
