// SPDX-License-Identifier: MIT
#include "devices/block/raw_image.h"

#include "devices/block/block_device.h"

namespace ring3 {

RawImage::RawImage(std::unique_ptr<DiskFile> file)
    : file_(std::move(file)), size_((file_->size() + kSectorSize - 1) & ~(kSectorSize - 1)) {}

}  // namespace ring3
