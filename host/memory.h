// SPDX-License-Identifier: MIT
// Large zeroed memory from the host: reserved at once, given out page by page when first touched. A
// copy of the process has its own.
#pragma once

#include <span>

#include "base/types.h"

namespace ring3 {

class HostMemory {
 public:
  /// Low: below 2 GiB, if the host has such addresses to give. Large: in large pages if the host
  /// likes, for what is used all at once.
  enum class Kind : u8 { Anywhere, Low, Large };
  static constexpr u64 kLargePage = u64{2} << 20;

  HostMemory() = default;
  /// `bytes` is rounded up to host pages; `name` shows in the host's memory maps. The memory is
  /// page-aligned, all zero, and not yet backed. Throws std::bad_alloc if the host refuses the
  /// address space.
  HostMemory(u64 bytes, const char* name, Kind kind = Kind::Anywhere);
  ~HostMemory();
  HostMemory(HostMemory&& other) noexcept;
  HostMemory& operator=(HostMemory&& other) noexcept;

  u8* data() const { return data_; }
  u64 size() const { return size_; }
  std::span<u8> span() const { return {data_, size_}; }
  /// Bytes that the host has given to it so far; 0 if the host does not say.
  u64 resident_bytes() const;

 private:
  u8* data_ = nullptr;
  u64 size_ = 0;
};

/// Bytes of physical memory that the host gave to this process so far.
u64 host_resident_bytes();

}  // namespace ring3
