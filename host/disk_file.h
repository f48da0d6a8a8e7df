// SPDX-License-Identifier: MIT
// A file or block device that holds a disk image: opened under a lock, read and written at byte
// offsets. Locks are those of QEMU's tools (open file description locks on bytes 100 and up), so
// that a running QEMU or qemu-img and ring3 refuse each other's images as they refuse their own.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

class DiskFile {
 public:
  /// Errors are reasons without the path: "cannot be opened: No such file or directory".
  static Result<std::unique_ptr<DiskFile>> open(const std::string& path, bool writable);
  /// A file without a name, in $TMPDIR or /var/tmp, that is gone when it is closed.
  static Result<std::unique_ptr<DiskFile>> temporary();
  ~DiskFile();
  DiskFile(const DiskFile&) = delete;

  bool writable() const { return writable_; }
  u64 size() const { return size_; }
  /// What lies past the end reads as zeros.
  Status read(u64 offset, std::span<u8> out) const;
  /// Grows the file where it reaches past the end.
  Status write(u64 offset, std::span<const u8> in);
  /// Everything written so far survives a crash of the host.
  Status sync();
  /// The range reads as zeros from now on and takes no room, where the host can do that; else it
  /// keeps its contents.
  Status punch(u64 offset, u64 length);
  Status resize(u64 size);

 private:
  DiskFile(int fd, bool writable, u64 size) : fd_(fd), writable_(writable), size_(size) {}

  int fd_;
  bool writable_;
  u64 size_;
};

}  // namespace ring3
