// SPDX-License-Identifier: MIT
// A disk image in some format, as the files of this folder see it: bytes at offsets, errors as
// texts. `Drive` makes a medium for a controller of it.
#pragma once

#include <span>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

class Image {
 public:
  virtual ~Image() = default;
  virtual u64 size() const = 0;  ///< in bytes; a multiple of 512
  virtual bool writable() const = 0;
  // offset and length lie within size().
  virtual Status read(u64 offset, std::span<u8> out) = 0;
  virtual Status write(u64 offset, std::span<const u8> in) = 0;
  virtual Status flush() = 0;
  virtual Status discard(u64 offset, u64 length) = 0;
};

}  // namespace ring3
