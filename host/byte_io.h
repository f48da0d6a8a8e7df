// SPDX-License-Identifier: MIT
// Streams of bytes between devices and the host: serial lines, debug consoles.
#pragma once

#include <span>
#include <string>

#include "base/types.h"

namespace ring3 {

/// Where a device's output goes.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void put(u8 byte) = 0;
  /// Hands on what is buffered; the machine calls it before it waits.
  virtual void flush() {}
  /// The error that ended the stream, empty while it works. Output after it is dropped.
  virtual std::string error() const { return {}; }
};

/// Where a device's input comes from. Never blocks.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Takes what is there, at most out.size() bytes; 0 if there is nothing now or ever.
  virtual size_t take(std::span<u8> out) = 0;
  /// True when nothing will come any more.
  virtual bool ended() const = 0;
  /// What Waiter can wait on until there is input; -1 if none.
  virtual int handle() const = 0;
};

}  // namespace ring3
