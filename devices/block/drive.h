// SPDX-License-Identifier: MIT
// A medium in a drive of the board: an image with the rules of its -drive option. Opening checks
// everything that can be wrong with the file; a failure of the host later is kept as error().
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "devices/block/block_device.h"
#include "devices/block/image.h"

namespace ring3 {

enum class ImageFormat : u8 { Probe, Raw, Qcow2 };

struct DriveOptions {
  std::string file;
  ImageFormat format = ImageFormat::Probe;
  bool read_only = false;
  bool snapshot = false;       ///< writes go to a temporary file
  bool write_through = false;  ///< each write is flushed
  bool ignore_flush = false;   ///< cache=unsafe
  bool discard = false;        ///< discards reach the image
};

class Drive final : public BlockDevice {
 public:
  /// An error is "FILE: reason; way out".
  static Result<std::unique_ptr<Drive>> open(const DriveOptions& options);
  ~Drive() override;

  u64 size() const override { return image_->size(); }
  bool read_only() const override { return read_only_; }
  bool read(u64 offset, std::span<u8> out) override;
  bool write(u64 offset, std::span<const u8> in) override;
  bool flush() override;
  bool discard(u64 offset, u64 length) override;
  std::string error() const override { return error_; }

 private:
  Drive(const DriveOptions& options, std::unique_ptr<Image> image, bool probed_raw);
  bool note(const Status& status);

  const DriveOptions options_;
  std::unique_ptr<Image> image_;
  bool read_only_;
  bool probed_raw_;  ///< nobody said that it is raw: it must not turn into another format
  std::string error_;
};

}  // namespace ring3
