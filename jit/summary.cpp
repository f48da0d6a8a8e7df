// SPDX-License-Identifier: MIT
#include "jit/summary.h"

#include <algorithm>

namespace ring3 {
namespace {

bool is_callout(Treatment t) { return t == Treatment::Callout || t == Treatment::CalloutEnd; }

void add_block(Summary& s, const BlockRecord& block) {
  u64 runs = block.executions;
  for (const InsnRecord& i : block.insns) {
    const u64 cold = is_callout(i.treatment) ? 0 : std::min(i.callouts, runs);
    s.by_treatment[static_cast<size_t>(i.treatment)] += runs - cold;
    runs -= std::min(runs, i.left);
  }
}

}  // namespace

double Summary::direct_share() const {
  u64 direct = 0;
  for (Treatment t : {Treatment::Copy, Treatment::CopyMem, Treatment::Emit})
    direct += by_treatment[static_cast<size_t>(t)];
  return instructions == 0 ? 0 : static_cast<double>(direct) / static_cast<double>(instructions);
}

Summary summarize(const Profile& profile, u64 instructions) {
  Summary s;
  s.instructions = instructions;
  s.blocks = profile.blocks;
  s.interpreted = profile.interpreted;
  s.translator = profile.translator;
  profile.for_each([&s](const BlockRecord& block) { add_block(s, block); });
  for (size_t m = 0; m < profile.callouts.size(); ++m) {
    s.cold += profile.cold[m];
    if (profile.callouts[m] + profile.cold[m] != 0)
      s.callouts.push_back({static_cast<ZydisMnemonic>(m), profile.callouts[m], profile.cold[m]});
  }
  std::stable_sort(s.callouts.begin(), s.callouts.end(), [](const auto& a, const auto& b) {
    return a.callouts + a.cold > b.callouts + b.cold;
  });
  return s;
}

}  // namespace ring3
