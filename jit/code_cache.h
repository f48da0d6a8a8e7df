// SPDX-License-Identifier: MIT
// Where translated code is put: regions that are filled one after the other, and emptied in the
// same order when no room is left. The records that a region's code points at live as long.
#pragma once

#include <asmjit/x86.h>

#include <span>

#include "host/code_memory.h"
#include "jit/arena.h"

namespace ring3::jit {

struct NativeBlock;

class CodeCache {
 public:
  struct Region {
    size_t begin = 0, end = 0;  ///< offsets
    size_t used = 0;            ///< up to here; at least `begin`
    Arena records;
    NativeBlock* blocks = nullptr;  ///< all that stand there, dead ones too
  };

  explicit CodeCache(std::unique_ptr<CodeMemory> memory);

  /// Where the next code will run.
  const u8* next() const { return memory_->executable(region().used); }
  /// It may not have room for one more block.
  bool full() const { return region().end - region().used < kReserve; }
  Region& region() { return regions_[current_]; }
  const Region& region() const { return regions_[current_]; }
  /// The one that is filled next, which is to be emptied first.
  Region& oldest() { return regions_[(current_ + 1) % regions_.size()]; }
  /// On to that one.
  void advance() { current_ = (current_ + 1) % regions_.size(); }
  std::span<Region> regions() { return regions_; }
  std::span<const Region> regions() const { return regions_; }
  const u8* at(size_t offset) const { return memory_->executable(offset); }

  /// Bytes of code, bytes of the host's memory that code took at most, bytes of records.
  size_t used() const;
  size_t touched() const { return touched_; }
  size_t record_bytes() const;

  /// Copies what the holder has, which was initialized with base next(). Null: no room, or an
  /// assembler error.
  const u8* add(asmjit::CodeHolder& code);

  /// See CodeMemory::make_own.
  bool make_own() { return memory_->make_own(touched_); }
  /// The displacement at `at` points to `target` from now on.
  void patch(const u8* at, const u8* target) { patch(at, static_cast<i32>(target - (at + 4))); }
  void patch(const u8* at, i32 displacement);
  void write(const u8* at, std::span<const u8> bytes);
  /// To be called between changes of code and its next run.
  void settle() {
    if (!changed_) return;
    CodeMemory::serialize();
    changed_ = false;
  }

  /// What was added so far stays when the regions are emptied.
  void keep() { region().begin = region().used; }
  static void empty(Region& region);
  void empty_all();

 private:
  static constexpr size_t kReserve = 64 << 10;  ///< a block's code: 64 instructions in three copies
  static constexpr size_t kMaxRegions = 16, kMinRegion = 256 << 10;
  std::unique_ptr<CodeMemory> memory_;
  std::vector<Region> regions_;
  size_t current_ = 0, touched_ = 0;
  bool changed_ = false;  ///< code that may have run, since settle()
};

}  // namespace ring3::jit
