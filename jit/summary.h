// SPDX-License-Identifier: MIT
// A profile in a few numbers: executed instructions by treatment, and callouts by mnemonic.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "jit/profile.h"

namespace ring3 {

struct CalloutCount {
  ZydisMnemonic mnemonic;
  u64 callouts = 0;  ///< by treatment
  u64 cold = 0;      ///< because a fast path could not do
};

struct Summary {
  static constexpr size_t kTreatments = 5;

  u64 instructions = 0;
  bool blocks = false;  ///< records were kept: by_treatment is known
  /// By Treatment, without those that took a cold path.
  std::array<u64, kTreatments> by_treatment{};
  u64 cold = 0;
  u64 interpreted = 0;
  JitCounters translator;
  std::vector<CalloutCount> callouts;  ///< most frequent first

  /// What ran as Copy, CopyMem or Emit, of all instructions.
  double direct_share() const;
};

Summary summarize(const Profile& profile, u64 instructions);

}  // namespace ring3
