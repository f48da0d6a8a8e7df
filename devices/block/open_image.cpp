// SPDX-License-Identifier: MIT
#include "devices/block/open_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "devices/block/qcow2_image.h"
#include "devices/block/raw_image.h"
#include "host/disk_file.h"

namespace ring3 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<u8, 4> kQcowMagic{'Q', 'F', 'I', 0xFB};
constexpr size_t kLongestChain = 200;

Result<ImageFormat> probe(const DiskFile& file) {
  std::array<u8, 4> start{};
  if (Status s = file.read(0, start); !s) return Error{s.error()};
  return start == kQcowMagic ? ImageFormat::Qcow2 : ImageFormat::Raw;
}

std::string canonical(const std::string& path) {
  std::error_code failed;
  const fs::path known = fs::canonical(path, failed);
  return failed ? path : known.string();
}

/// Opens images down to the one without a backing file. `above`: those that are being opened.
class Chain {
 public:
  Result<OpenedImage> open(const std::string& path, ImageFormat format, bool writable);

 private:
  Result<std::unique_ptr<Image>> open_qcow2(const std::string& path,
                                            std::unique_ptr<DiskFile> file);
  Result<std::unique_ptr<Image>> open_backing(const std::string& path, const qcow2::Header& header);
  std::vector<std::string> above_;
};

Result<OpenedImage> Chain::open(const std::string& path, ImageFormat format, bool writable) {
  const std::string name = canonical(path);
  if (std::find(above_.begin(), above_.end(), name) != above_.end())
    return Error{"is part of a circle of backing files; see qemu-img rebase -u"};
  if (above_.size() >= kLongestChain) return Error{"ends too long a chain of backing files"};
  above_.push_back(name);
  auto file = DiskFile::open(path, writable);
  if (!file) return Error{file.error()};
  const auto found = probe(**file);
  if (!found) return Error{found.error()};
  const bool probed = format == ImageFormat::Probe;
  if (probed) format = *found;
  if (format == ImageFormat::Raw)
    return OpenedImage{std::make_unique<RawImage>(std::move(*file)), probed};
  if (*found != ImageFormat::Qcow2) return Error{"is no qcow2 image; give format=raw if it is raw"};
  auto image = open_qcow2(path, std::move(*file));
  if (!image) return Error{image.error()};
  return OpenedImage{std::move(*image), false};
}

Result<std::unique_ptr<Image>> Chain::open_qcow2(const std::string& path,
                                                 std::unique_ptr<DiskFile> file) {
  auto header = qcow2::read_header(*file);
  if (!header) return Error{header.error()};
  std::unique_ptr<Image> backing;
  if (!header->backing_file.empty()) {
    auto opened = open_backing(path, *header);
    if (!opened) return Error{opened.error()};
    backing = std::move(*opened);
  }
  return Qcow2Image::open(std::move(file), *header, std::move(backing));
}

/// A relative name counts from the directory of the image that gives it.
Result<std::unique_ptr<Image>> Chain::open_backing(const std::string& path,
                                                   const qcow2::Header& header) {
  std::string name = header.backing_file;
  const auto failed = [&name](const std::string& reason) {
    return Error{fmt::format("its backing file {} {}", name, reason)};
  };
  if (name.starts_with("file:")) name = name.substr(5);
  if (name.find(':') < name.find('/')) return failed("is no plain file; see qemu-img rebase");
  const auto& form = header.backing_format;
  if (!form.empty() && form != "raw" && form != "qcow2")
    return failed(fmt::format("has format '{}'; raw and qcow2 can be used", form));
  const ImageFormat format = form.empty()    ? ImageFormat::Probe
                             : form == "raw" ? ImageFormat::Raw
                                             : ImageFormat::Qcow2;
  if (!name.starts_with('/')) name = (fs::path(path).parent_path() / name).string();
  auto opened = open(name, format, false);
  if (!opened) return failed(opened.error());
  return std::move(opened->image);
}

}  // namespace

bool is_other_format(std::span<const u8> in, u64 offset) {
  if (in.size() + offset < kQcowMagic.size()) return false;
  return std::equal(kQcowMagic.begin() + static_cast<std::ptrdiff_t>(offset), kQcowMagic.end(),
                    in.begin());
}

Result<OpenedImage> open_image(const std::string& path, ImageFormat format, bool writable) {
  return Chain().open(path, format, writable);
}

}  // namespace ring3
