// SPDX-License-Identifier: MIT
// Translated blocks and the records that their code points at.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "decoder/block.h"

namespace ring3::jit {

/// An entry of the indirect-branch table.
struct Target {
  u64 rip = 0;
  u64 generation = 0;
  const u8* code = nullptr;
  u64 padding = 0;
};
static_assert(sizeof(Target) == 32);

inline constexpr unsigned kTargetBits = 13;
inline constexpr u64 kTargetMask = (u64{1} << kTargetBits) - 1;
/// Where indirect branches of one mode look: by the low bits of rip.
using Targets = std::array<Target, kTargetMask + 1>;

struct NativeBlock;

/// A direct exit. Code jumps to *code: the target's translation, or the leave stub.
struct ExitSite {
  const u8* code = nullptr;  ///< first: `jmp [site]`
  u64 generation = 0;        ///< of the mapping under which `code` is right, if `crosses_page`
  u64 target = 0;            ///< rip
  bool crosses_page = false;
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
  bool cold = false;     ///< behind a fast path
  u64* count = nullptr;  ///< of the block's record
};

/// The code of one block at one rip.
struct NativeBlock {
  Block* block = nullptr;
  u64 rip = 0;
  u32 key = 0;
  Targets* targets = nullptr;  ///< of its mode
  const u8* code = nullptr;
  size_t code_bytes = 0;
  bool dead = false;            ///< its block is invalid
  NativeBlock* next = nullptr;  ///< of the same block, at another rip
  std::vector<ExitSite*> incoming;
  std::vector<std::unique_ptr<ExitSite>> exits;
  std::vector<std::unique_ptr<CalloutSite>> callouts;
};

}  // namespace ring3::jit
