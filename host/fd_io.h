// SPDX-License-Identifier: MIT
// Byte streams over file descriptors: standard input and output, files, pipes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/byte_io.h"

namespace ring3 {

/// Buffered output to a descriptor that stays the caller's. A write error is kept, never a signal.
class FdSink final : public ByteSink {
 public:
  FdSink(int fd, std::string what);  ///< `what` names the stream in errors
  ~FdSink() override { flush(); }
  void put(u8 byte) override;
  void flush() override;
  std::string error() const override { return error_; }

 private:
  void write_out();

  int fd_;
  std::string what_;
  std::string error_;
  std::vector<u8> buffer_;
};

/// Input from a descriptor that stays the caller's. A closed descriptor is an ended stream.
class FdSource final : public ByteSource {
 public:
  explicit FdSource(int fd);
  size_t take(std::span<u8> out) override;
  bool ended() const override { return ended_; }
  int handle() const override { return ended_ ? -1 : fd_; }

 private:
  int fd_;
  bool ended_ = false;
};

/// A sink that owns the file it creates or truncates.
Result<std::unique_ptr<ByteSink>> open_file_sink(const std::string& path);

}  // namespace ring3
