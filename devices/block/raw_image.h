// SPDX-License-Identifier: MIT
// A raw image: byte n of the medium is byte n of the file. A size that is no multiple of a sector
// is rounded up: the rest of the last sector reads as zeros, and a write to it grows the file.
#pragma once

#include <memory>

#include "devices/block/image.h"
#include "host/disk_file.h"

namespace ring3 {

class RawImage final : public Image {
 public:
  explicit RawImage(std::unique_ptr<DiskFile> file);

  u64 size() const override { return size_; }
  bool writable() const override { return file_->writable(); }
  Status read(u64 offset, std::span<u8> out) override { return file_->read(offset, out); }
  Status write(u64 offset, std::span<const u8> in) override { return file_->write(offset, in); }
  Status flush() override { return file_->sync(); }
  Status discard(u64 offset, u64 length) override { return file_->punch(offset, length); }

 private:
  std::unique_ptr<DiskFile> file_;
  u64 size_;
};

}  // namespace ring3
