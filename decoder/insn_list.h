// SPDX-License-Identifier: MIT
// A block's instructions, and the storage that the lists of many blocks come from: pieces by size,
// used again when their block dies. Not for several threads.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "decoder/insn.h"
#include "host/memory.h"

namespace ring3 {

class InsnPool {
 public:
  static constexpr size_t kMaxCount = 64;

  InsnPool() = default;
  InsnPool(const InsnPool&) = delete;

  /// Room for `count` instructions, 1 to kMaxCount, not initialized.
  Insn* take(size_t count);
  void give_back(Insn* list, size_t count);
  /// What it has from the host.
  size_t bytes() const { return chunks_.size() * HostMemory::kLargePage; }

 private:
  struct Free {
    Free* next;
  };
  std::vector<HostMemory> chunks_;
  std::array<Free*, kMaxCount + 1> free_{};  ///< by count
  u8* next_ = nullptr;                       ///< unused rest of the last chunk
  size_t left_ = 0;                          ///< instructions there
};

/// An array of fixed size.
class InsnList {
 public:
  /// Without a pool: from the heap.
  explicit InsnList(InsnPool* pool = nullptr) : pool_(pool) {}
  ~InsnList() { clear(); }
  InsnList(InsnList&& other) noexcept
      : pool_(other.pool_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  InsnList& operator=(InsnList&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  /// In place of what it holds: `count` instructions to be filled in.
  std::span<Insn> make(size_t count);
  void clear();

  Insn* data() { return data_; }
  const Insn* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Insn* begin() { return data_; }
  Insn* end() { return data_ + size_; }
  const Insn* begin() const { return data_; }
  const Insn* end() const { return data_ + size_; }
  Insn& operator[](size_t n) { return data_[n]; }
  const Insn& operator[](size_t n) const { return data_[n]; }
  const Insn& front() const { return data_[0]; }
  const Insn& back() const { return data_[size_ - 1]; }

 private:
  InsnPool* pool_;
  Insn* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace ring3
