// SPDX-License-Identifier: MIT
// Cases are shared out evenly over a row's forms; each encoding serves a few cases.
#include "tests/silicon/runner.h"

#include <algorithm>
#include <cstdlib>

#include "tests/silicon/compare.h"
#include "tests/silicon/operands.h"
#include "tests/silicon/skips.h"

namespace ring3::silicon {
namespace {

constexpr u64 kFastCases = 400, kNightlyCases = 20'000, kMinCasesPerForm = 8;
constexpr u64 kCasesPerEncoding = 8;

}  // namespace

u64 cases_per_row() {
  const char* nightly = std::getenv("RING3_NIGHTLY");
  return nightly && *nightly == '1' ? kNightlyCases : kFastCases;
}

bool is_compared(ZydisMnemonic mnemonic) {
  return find_row(mnemonic) && classify(mnemonic) == Class::Innocuous &&
         skipped_row(mnemonic).empty();
}

std::vector<const Form*> runnable_forms(ZydisMnemonic mnemonic) {
  std::vector<const Form*> out;
  for (Mode mode : {Mode::Long64, Mode::Compat32}) {
    const auto it = forms(mode).find(mnemonic);
    if (it == forms(mode).end()) continue;
    for (const Form& form : it->second) {
      Decode d;
      if (decode(mode, form.bytes, d) && skipped_form(d).empty()) out.push_back(&form);
    }
  }
  return out;
}

bool Runner::place(Mode mode, std::span<const u8> bytes, Decode& d) {
  if (!decode(mode, bytes, d)) return false;
  native_.place(bytes);
  guest_.place(mode, bytes);
  return true;
}

bool Runner::compare_case(const Decode& d, const Case& c, RowResult& result) {
  native_.set_data(c.data);
  guest_.set_data(c.data);
  Pair pair;
  pair.silicon_data = native_.data();
  pair.interp_data = guest_.data();
  pair.silicon = native_.run(c.mode, c.regs);
  const int crash = Native::guarded([&] { pair.interp = guest_.run(c.regs); });
  if (crash) pair.interp.vector = Outcome::kHostSignal + crash;
  Undefined undefined = undefined_after(d, c.regs);
  ++result.cases;
  if (pair.silicon.vector == Outcome::kNoFault) ++result.completed;
  bool agree = same(pair, d, undefined);
  if (!agree) {
    tolerate(undefined, d, c.regs, pair.silicon, pair.interp);
    agree = same(pair, d, undefined);
    result.tolerated += agree;
  }
  if (!agree && result.mismatches++ == 0) result.first_failure = report(c, d, pair, undefined);
  last_report_ = agree ? "" : report(c, d, pair, undefined);
  return agree;
}

void Runner::run_form(const Form& form, u64 cases, Rng& rng, RowResult& result) {
  ++result.forms;
  for (u64 done = 0; done < cases;) {
    const std::vector<u8> bytes = vary(form, rng);
    Decode d;
    if (!place(form.mode, bytes, d)) return;
    for (u64 i = 0; i < kCasesPerEncoding && done < cases; ++i, ++done)
      compare_case(d, make_case(form.mode, bytes, rng()), result);
  }
}

RowResult Runner::run_row(ZydisMnemonic mnemonic, u64 cases, u64 seed) {
  RowResult result;
  Rng rng(seed ^ mnemonic);
  const auto chosen = runnable_forms(mnemonic);
  if (chosen.empty()) return result;
  const u64 share = std::max(kMinCasesPerForm, (cases + chosen.size() - 1) / chosen.size());
  for (const Form* form : chosen) run_form(*form, share, rng, result);
  return result;
}

std::string Runner::run_one(Mode mode, std::span<const u8> bytes, u64 seed, bool always_report) {
  Decode d;
  if (!place(mode, bytes, d)) return "these bytes are not an instruction\n";
  const Case c = make_case(mode, bytes, seed);
  RowResult result;
  const bool agree = compare_case(d, c, result);
  if (!agree || !always_report) return last_report_;
  return "both agree\n";
}

}  // namespace ring3::silicon
