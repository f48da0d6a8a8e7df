// SPDX-License-Identifier: MIT
// Memory for generated code, W^X: one memory object mapped twice, once to write and once to run.
// No page is ever writable and executable.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

class CodeMemory {
 public:
  /// `bytes` is rounded up to pages; untouched pages cost nothing. Error: the host refused.
  static Result<std::unique_ptr<CodeMemory>> create(size_t bytes);
  ~CodeMemory();
  /// In a copy of the process: a copy of the first `used` bytes takes the place of what is common
  /// with the original. False: the host refused.
  bool make_own(size_t used);
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;

  /// To be called after code that may run soon was changed through the other mapping: a serializing
  /// instruction (SDM 3A "Handling Self- and Cross-Modifying Code").
  static void serialize();

  size_t size() const { return size_; }
  u8* writable(size_t offset = 0) { return writable_ + offset; }
  const u8* executable(size_t offset = 0) const { return executable_ + offset; }

 private:
  CodeMemory(u8* writable, u8* executable, size_t size)
      : writable_(writable), executable_(executable), size_(size) {}

  u8* writable_;
  u8* executable_;
  size_t size_;
};

}  // namespace ring3
