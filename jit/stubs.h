// SPDX-License-Identifier: MIT
// Host code that stands around translations: the way in, the way out, the way into C++.
#pragma once

#include <array>

#include "core/cpu_state.h"
#include "jit/code_cache.h"
#include "jit/page_lines.h"
#include "jit/translation.h"

namespace ring3::jit {

struct Left {
  ExitSite* site;  ///< the direct exit that was taken, or null: CpuState::rip is right
  u64 flags;       ///< packed
};

/// What Frame is filled from.
struct Entry {
  CpuState* state;
  const u8* code;
  i64 budget;
  u64 deadline;
  void* engine;
  const void* targets;
  u64 flags;  ///< packed
  u64 poll;
  u64 salt;
};

struct Frame;

/// What follows a callout.
enum class After : u32 {
  GoOn,   ///< the next instruction
  Leave,  ///< CpuState::rip says where to
  Jump,   ///< another translation, at Frame::scratch
};

/// What stubs call in C++.
struct Thunks {
  After (*call_out)(void* engine, CalloutSite* site, Frame* frame);  ///< a callout's handler
  /// The code that a direct exit goes on to, or null: leave. Sets CpuState::rip.
  const u8* (*follow)(void* engine, ExitSite* site);
};

using LineStubs = std::array<const u8*, kLines>;

struct Stubs {
  Left (*enter)(const Entry* entry) = nullptr;
  const u8* leave_direct = nullptr;    ///< by an exit that is not linked; kScratchA: the ExitSite
  const u8* return_to_zero = nullptr;  ///< CpuState::rip is to be 0
  const u8* callout = nullptr;         ///< called; kScratchA: the CalloutSite
  const u8* make_flags = nullptr;      ///< called: makes Frame::flags right; kScratchB is lost
  /// Called; ZF: kScratchB is the entry of Targets::second for the tag in kScratchA.
  const u8* find_second = nullptr;
  // Called; make guest state resident, or return with CF set (residency.h).
  const u8 *load_xmm = nullptr, *load_ymm = nullptr, *load_x87 = nullptr;
  LineStubs line_read, line_write;  ///< called, see page_lines.h
};

/// By the TLB's window, from CpuState. False: no room.
bool make_stubs(CodeCache& cache, const Thunks& thunks, i32 window, Stubs& stubs);

}  // namespace ring3::jit
