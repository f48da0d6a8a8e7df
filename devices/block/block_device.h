// SPDX-License-Identifier: MIT
// What a disk controller sees of a medium: bytes at offsets. Calls return when the bytes have moved
// (the host's page cache makes that fast); flush() makes what was written so far permanent.
#pragma once

#include <span>
#include <string>

#include "base/types.h"

namespace ring3 {

inline constexpr u64 kSectorSize = 512;

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  virtual u64 size() const = 0;  ///< in bytes, a multiple of 512
  virtual bool read_only() const = 0;
  // offset and length lie within size(). False: the host failed, the contents of `out` are
  // undefined, error() says why. A read-only medium refuses writes.
  virtual bool read(u64 offset, std::span<u8> out) = 0;
  virtual bool write(u64 offset, std::span<const u8> in) = 0;
  virtual bool flush() = 0;
  /// The guest needs the contents no more: they may stay, or read as zeros.
  virtual bool discard(u64 offset, u64 length) = 0;
  /// The first failure of the host, for its user; empty if there was none.
  virtual std::string error() const = 0;
};

}  // namespace ring3
