// SPDX-License-Identifier: MIT
// Opens an image file in the format it is said to have, or the one its first bytes show.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "devices/block/drive.h"
#include "devices/block/image.h"

namespace ring3 {

struct OpenedImage {
  std::unique_ptr<Image> image;
  bool probed_raw;  ///< raw because it looked like nothing else
};

/// An error is the reason without the path.
Result<OpenedImage> open_image(const std::string& path, ImageFormat format, bool writable);

/// True if a write of `in` at `offset` (below 4) would put the mark of a format there.
bool is_other_format(std::span<const u8> in, u64 offset);

}  // namespace ring3
