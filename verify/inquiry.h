// SPDX-License-Identifier: MIT
// From a snapshot and the knowledge that a difference comes: which block, and what to demote. All
// trying is done by copies of the process, so the snapshot stays as it is.
#pragma once

#include "verify/schedule.h"

namespace ring3::verify {

/// Where a difference was found.
struct Found {
  u64 before = 0;  ///< instructions at the last agreement
  u64 after = 0;   ///< and when it was seen
  Lockstep::Depth depth = Lockstep::Depth::Writes;
  bool crashed = false;  ///< translated code ended the process
};

/// What makes the translator right again.
struct Remedy {
  static constexpr size_t kMost = 64;
  u32 mnemonics = 0;
  u16 mnemonic[kMost] = {};
  u64 rip = 0;  ///< not 0: this block is interpreted
  bool none = false;
};

class Inquiry {
 public:
  Inquiry(Lockstep& machines, Schedule& schedule, const Settings& settings, const Found& found)
      : machines_(machines), schedule_(schedule), settings_(settings), found_(found) {}

  /// Prints the report to standard error. The machines are lost: run it in a copy.
  Remedy run();

 private:
  /// The block that goes wrong.
  struct Culprit {
    u64 rip = 0;
    u32 count = 0;
    u16 mnemonics[Remedy::kMost] = {};
  };
  bool play_to(u64 instructions);
  bool differs_at(u64 instructions);
  u64 first_difference();
  bool cured_by(const Remedy& remedy);
  Remedy find_remedy(const Culprit& culprit);
  Culprit look_at(u64 instructions);
  void describe(Culprit& culprit);
  void print_differences(u64 instructions);

  Lockstep& machines_;
  Schedule& schedule_;
  const Settings& settings_;
  const Found found_;
};

/// Both machines to this count, comparing on the way. False: they differ.
bool play(Lockstep& machines, Schedule& schedule, u64 instructions);

void apply(const Remedy& remedy, Jit& jit);
std::string text_of(const Remedy& remedy);

}  // namespace ring3::verify
