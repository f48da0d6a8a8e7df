// SPDX-License-Identifier: MIT
#include "devices/block/open_image.h"

#include <algorithm>
#include <array>

#include "devices/block/raw_image.h"
#include "host/disk_file.h"

namespace ring3 {
namespace {

constexpr std::array<u8, 4> kQcowMagic{'Q', 'F', 'I', 0xFB};

Result<ImageFormat> probe(const DiskFile& file) {
  std::array<u8, 4> start{};
  if (Status s = file.read(0, start); !s) return Error{s.error()};
  return start == kQcowMagic ? ImageFormat::Qcow2 : ImageFormat::Raw;
}

}  // namespace

bool is_other_format(std::span<const u8> in, u64 offset) {
  // Its last byte is unlike text and boot code, so a part of the mark that ends it is enough.
  if (in.size() + offset < kQcowMagic.size()) return false;
  return std::equal(kQcowMagic.begin() + static_cast<std::ptrdiff_t>(offset), kQcowMagic.end(),
                    in.begin());
}

Result<OpenedImage> open_image(const std::string& path, ImageFormat format, bool writable) {
  auto file = DiskFile::open(path, writable);
  if (!file) return Error{file.error()};
  const auto found = probe(**file);
  if (!found) return Error{found.error()};
  const bool probed = format == ImageFormat::Probe;
  if (probed) format = *found;
  if (format == ImageFormat::Raw)
    return OpenedImage{std::make_unique<RawImage>(std::move(*file)), probed};
  if (*found != ImageFormat::Qcow2) return Error{"is no qcow2 image; give format=raw if it is raw"};
  return Error{"is a qcow2 image, which this build cannot read; convert it with qemu-img"};
}

}  // namespace ring3
