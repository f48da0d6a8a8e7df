// SPDX-License-Identifier: MIT
// Host code that stands around translations: the way in, the way out, the way into C++.
#pragma once

#include "core/cpu_state.h"
#include "jit/code_cache.h"
#include "jit/translation.h"

namespace ring3::jit {

struct Left {
  ExitSite* site;  ///< the direct exit that was taken, or null: CpuState::rip is right
  u64 flags;       ///< packed
};

struct Entry {
  CpuState* state;
  const u8* code;
  u64 deadline;
  void* engine;
  const void* targets;
  u64 flags;  ///< packed
};

/// Calls a callout's handler. 0: go on, else leave.
using CalloutThunk = u32 (*)(void* engine, CalloutSite* site, u64* flags);

struct Stubs {
  Left (*enter)(const Entry* entry) = nullptr;
  const u8* leave_direct = nullptr;  ///< kScratchA: the ExitSite
  const u8* leave = nullptr;         ///< CpuState::rip is right
  const u8* callout = nullptr;       ///< called; kScratchA: the CalloutSite
};

/// False: no room.
bool make_stubs(CodeCache& cache, CalloutThunk thunk, Stubs& stubs);

}  // namespace ring3::jit
