// SPDX-License-Identifier: MIT
// Where translated code is put: filled from the front; a full cache is emptied as a whole.
#pragma once

#include <asmjit/x86.h>

#include "host/code_memory.h"

namespace ring3::jit {

class CodeCache {
 public:
  explicit CodeCache(std::unique_ptr<CodeMemory> memory) : memory_(std::move(memory)) {}

  /// Where the next code will run.
  const u8* next() const { return memory_->executable(used_); }
  bool full() const { return memory_->size() - used_ < kReserve; }
  size_t used() const { return used_; }

  /// Copies what the holder has, which was initialized with base next(). Null: no room, or an
  /// assembler error.
  const u8* add(asmjit::CodeHolder& code);

  /// See CodeMemory::make_own.
  bool make_own() { return memory_->make_own(used_); }
  /// The displacement at `at` points to `target` from now on.
  void patch(const u8* at, const u8* target) { patch(at, static_cast<i32>(target - (at + 4))); }
  void patch(const u8* at, i32 displacement);

  /// What was added so far stays when the cache is emptied.
  void keep() { kept_ = used_; }
  void empty() { used_ = kept_; }

 private:
  static constexpr size_t kReserve = 64 << 10;
  std::unique_ptr<CodeMemory> memory_;
  size_t used_ = 0, kept_ = 0;
};

}  // namespace ring3::jit
