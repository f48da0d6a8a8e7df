// SPDX-License-Identifier: MIT
// Memory for records that die together: taken piece by piece, given back as a whole.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace ring3::jit {

class Arena {
 public:
  struct Mark {
    size_t chunks, used;
  };

  template <class T, class... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T> && sizeof(T) <= kChunk);
    return new (take(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }
  Mark mark() const { return {full_, used_}; }
  /// What was made since then is gone.
  void rewind(Mark mark) {
    full_ = mark.chunks;
    used_ = mark.used;
  }
  /// All is gone; the memory is kept for what comes.
  void clear() { rewind({}); }
  size_t bytes() const { return chunks_.size() * kChunk; }

 private:
  static constexpr size_t kChunk = 32 << 10;
  struct alignas(std::max_align_t) Chunk {
    std::byte bytes[kChunk];
  };
  void* take(size_t bytes, size_t align) {
    used_ = (used_ + align - 1) & ~(align - 1);
    if (full_ < chunks_.size() && used_ + bytes > kChunk) {
      ++full_;
      used_ = 0;
    }
    if (full_ == chunks_.size()) chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
    void* const place = chunks_[full_]->bytes + used_;
    used_ += bytes;
    return place;
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  size_t full_ = 0;  ///< chunks before the one that is being filled
  size_t used_ = 0;  ///< of that one
};

}  // namespace ring3::jit
