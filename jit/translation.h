// SPDX-License-Identifier: MIT
// Translated blocks and the records that their code points at.
#pragma once

#include <array>
#include <bit>
#include <vector>

#include "decoder/block.h"
#include "jit/foresight.h"
#include "mmu/mmu.h"

namespace ring3 {
struct BlockRecord;
}

namespace ring3::jit {

/// An entry of the indirect-branch tables.
struct Target {
  u64 tag = 0;               ///< rip ^ Targets::salt
  const u8* code = nullptr;  ///< NativeBlock::code
};
static_assert(sizeof(Target) == 16);

/// Entries of other generations match no rip: two canonical addresses that fall into one slot
/// differ in other bits than two salts of less than Generations::kRound.
inline u64 salt_of(u64 generation) { return std::rotl(generation % Generations::kRound, 48); }

inline constexpr unsigned kTargetBits = 15;
inline constexpr u64 kTargetMask = (u64{1} << kTargetBits) - 1;
inline constexpr unsigned kSecondBits = 14;
inline constexpr u64 kSecondFactor = 0x9E3779B97F4A7C15;
/// Where indirect branches of one mode look: by the low bits of rip. User code asks at its entry
/// whether it stands there in this space (NativeBlock::place). Of supervisor code most is global;
/// what is not is taken out when another space comes.
///
/// Of two targets in use with the same low bits one stands in `second`, by a hash of its tag, where
/// a stub looks (Stubs::find_second): of user code the one that was found first, else the other.
struct Targets {
  std::array<Target, kTargetMask + 1> entries;
  std::array<Target, size_t{1} << kSecondBits> second;
  bool user = false;
  // Of the space for which it was selected last.
  u64 generation = 0;
  u64 salt = 0;
  std::vector<size_t> own;  ///< entries of it that are not global, if not `user`
  /// Where calls expect a return to, and the code that goes there, by the low bits of where the
  /// address stands in the stack. Of one space only.
  static constexpr u32 kReturns = 256, kReturnMask = (kReturns - 1) * sizeof(u64);
  std::array<u64, kReturns> return_rips;
  std::array<const u8*, kReturns> return_codes;
  const u8* to_zero = nullptr;  ///< code that goes to rip 0

  explicit Targets(const u8* return_to_zero) : to_zero(return_to_zero) { clear(); }
  static size_t second_slot(u64 tag) { return (tag * kSecondFactor) >> (64 - kSecondBits); }
  /// The code at rip in the space whose salt it is, or null.
  const u8* find(u64 rip, u64 salt) const {
    const u64 tag = rip ^ salt;
    const Target& first = entries[rip & kTargetMask];
    if (first.tag == tag) return first.code;
    const Target& other = second[second_slot(tag)];
    return other.tag == tag ? other.code : nullptr;
  }
  /// What no address finds there, canonical or not: salts leave bit 12 alone.
  static Target empty(size_t n) { return {n ^ bit(12), nullptr}; }
  static Target empty_second(size_t n) { return {n == 0 ? u64{1} : 0, nullptr}; }
  void clear() {
    for (size_t n = 0; n < entries.size(); ++n) entries[n] = empty(n);
    for (size_t n = 0; n < second.size(); ++n) second[n] = empty_second(n);
    forget_returns();
  }
  void forget_returns() {
    return_rips.fill(0);
    return_codes.fill(to_zero);
  }
};

struct NativeBlock;

/// A jump in translated code that is patched, and where it goes while it is not linked. Offsets
/// from the block's code.
struct Jump {
  u32 at = 0;  ///< of its displacement; 0: there is none
  u32 home = 0;
};

/// A direct exit. An exit that would have to save flags for its target has two jumps: `direct` is
/// linked to targets that do not look at them, `saved` to all others.
struct ExitSite {
  u64 target = 0;  ///< rip
  NativeBlock* from = nullptr;
  NativeBlock* to = nullptr;
  ExitSite* next_of_block = nullptr;
  ExitSite *next_incoming = nullptr, *previous_incoming = nullptr;  ///< of the target's
  Jump direct, saved;
  // If `crosses_page`, see crossings.h.
  u32 check = 0;      ///< offset of the instruction that compares generations
  u32 number = 0;     ///< of its number
  u32 open_at = 0;    ///< place among the open ones
  bool open = false;  ///< goes to `to` without a check
  bool crosses_page = false;
  bool entry = false;           ///< not an exit: a block asks for itself whether it stands there
  std::array<u8, 5> checked{};  ///< what stands at `check` while not open
};

/// An instruction that calls its handler.
struct CalloutSite {
  const Insn* insn = nullptr;
  NativeBlock* from = nullptr;
  u16 offset = 0;  ///< of the instruction from the block's start
  u8 index = 0;
  u8 basic = 0;           ///< first instruction of its basic block
  bool last : 1 = false;  ///< ends the block: leave after it
  bool rest : 1 = false;  ///< a poll: the rest of the block by its handlers, then leave
  bool cold : 1 = false;  ///< behind a fast path
  Foresight ahead;
};

/// The code of one block at one rip. Its records stand in the arena of its code's region.
struct NativeBlock {
  Block* block = nullptr;
  u64 rip = 0;
  u32 key = 0;
  u32 instructions = 0;
  Targets* targets = nullptr;  ///< of its mode
  const u8* code = nullptr;
  u32 code_bytes = 0;
  u32 start = 0;                ///< offset behind the question whether its place holds
  CodePlaces::Place place;      ///< of user code
  bool dead = false;            ///< its block is invalid, or it was taken away
  bool flags_dead = false;      ///< does not look at the flags that stand at its entry
  bool calls_out = false;       ///< has callout sites
  u16 second = 0;               ///< where it was put in Targets::second last
  NativeBlock* next = nullptr;  ///< of the same block, at another rip
  NativeBlock* next_in_region = nullptr;
  ExitSite* incoming = nullptr;
  ExitSite* exits = nullptr;
  BlockRecord* record = nullptr;  ///< the profile's, if it keeps one

  bool user() const { return key & kUserCode; }
  /// For who knows that it stands there.
  const u8* body() const { return code + start; }
};

}  // namespace ring3::jit
