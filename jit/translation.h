// SPDX-License-Identifier: MIT
// Translated blocks and the records that their code points at.
#pragma once

#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "decoder/block.h"
#include "jit/foresight.h"
#include "mmu/mmu.h"

namespace ring3::jit {

/// An entry of the indirect-branch table.
struct Target {
  u64 tag = 0;  ///< rip ^ Targets::salt()
  const u8* code = nullptr;
};
static_assert(sizeof(Target) == 16);

/// Entries of other generations match no rip: two canonical addresses that fall into one slot
/// differ in other bits than two salts of less than Generations::kRound.
inline u64 salt_of(u64 generation) { return std::rotl(generation % Generations::kRound, 48); }

inline constexpr unsigned kTargetBits = 13;
inline constexpr u64 kTargetMask = (u64{1} << kTargetBits) - 1;
/// Where indirect branches of one mode look: by the low bits of rip. User code lives in spaces of
/// its own, whose entries wait until their space comes back. Of supervisor code most is global;
/// what is not is taken out when another space comes.
struct Targets {
  std::array<Target, kTargetMask + 1> entries;
  bool user = false;
  u64 generation = 0;       ///< of the space that `own` are of
  std::vector<size_t> own;  ///< entries that are not global, if not `user`
  u64 salt(const Mmu& mmu) const {
    return salt_of(user ? mmu.generation() : mmu.global_generation());
  }
};

struct NativeBlock;

/// A jump in translated code that is patched, and where it goes while it is not linked.
struct Jump {
  const u8* at = nullptr;  ///< its displacement; null: there is none
  const u8* home = nullptr;
};

/// A direct exit. An exit that would have to save flags for its target has two jumps: `direct` is
/// linked to targets that do not look at them, `saved` to all others.
struct ExitSite {
  u64 generation = 0;  ///< of the mapping under which the link is right, if `crosses_page`
  const u8* compared = nullptr;  ///< the displacement of what the code compares it with
  bool global = false;           ///< that is Mmu::global_generation()
  u64 target = 0;                ///< rip
  bool crosses_page = false;
  Jump direct, saved;
  NativeBlock* from = nullptr;
  NativeBlock* to = nullptr;
};

/// An instruction that calls its handler.
struct CalloutSite {
  const Insn* insn = nullptr;
  NativeBlock* from = nullptr;
  u64 rip = 0, next_rip = 0;
  u32 index = 0;
  bool last = false;     ///< ends the block: leave after it
  bool rest = false;     ///< a poll: the rest of the block by its handlers, then leave
  bool cold = false;     ///< behind a fast path
  u64* count = nullptr;  ///< of the block's record
  Foresight ahead;
};

/// The code of one block at one rip.
struct NativeBlock {
  Block* block = nullptr;
  u64 rip = 0;
  u32 key = 0;
  u32 instructions = 0;
  Targets* targets = nullptr;  ///< of its mode
  const u8* code = nullptr;
  size_t code_bytes = 0;
  bool dead = false;            ///< its block is invalid
  bool flags_dead = false;      ///< does not look at the flags that stand at its entry
  NativeBlock* next = nullptr;  ///< of the same block, at another rip
  std::vector<ExitSite*> incoming;
  std::vector<std::unique_ptr<ExitSite>> exits;
  std::vector<std::unique_ptr<CalloutSite>> callouts;
};

}  // namespace ring3::jit
