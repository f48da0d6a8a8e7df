// SPDX-License-Identifier: MIT
#include "devices/block/drive.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/print.h"
#include "devices/block/open_image.h"
#include "devices/block/snapshot.h"

namespace ring3 {

Result<std::unique_ptr<Drive>> Drive::open(const DriveOptions& options) {
  const auto failed = [&options](const std::string& reason) {
    return Error{fmt::format("{}: {}", options.file, reason)};
  };
  const bool writable = !options.read_only && !options.snapshot;
  auto opened = open_image(options.file, options.format, writable);
  if (!opened) return failed(opened.error());
  std::unique_ptr<Image> image = std::move(opened->image);
  if (image->size() == 0) return failed("is empty; make an image with qemu-img create");
  if (options.snapshot && !options.read_only) {
    auto temporary = DiskFile::temporary();
    if (!temporary) return failed(temporary.error());
    image = std::make_unique<Snapshot>(std::move(image), std::move(*temporary));
  }
  return std::unique_ptr<Drive>(new Drive(options, std::move(image), opened->probed_raw));
}

Drive::Drive(const DriveOptions& options, std::unique_ptr<Image> image, bool probed_raw)
    : options_(options),
      image_(std::move(image)),
      read_only_(options.read_only || !image_->writable()),
      probed_raw_(probed_raw) {}

/// An orderly end loses nothing.
Drive::~Drive() {
  if (!read_only_) static_cast<void>(note(image_->flush()));
}

/// The guest is told by its controller, the user here, once.
bool Drive::note(const Status& status) {
  if (status) return true;
  if (!error_.empty()) return false;
  error_ = fmt::format("-drive file={}: {}", options_.file, status.error());
  print_to(stderr, "ring3: {}; the guest sees an I/O error\n", error_);
  return false;
}

bool Drive::read(u64 offset, std::span<u8> out) { return note(image_->read(offset, out)); }

bool Drive::write(u64 offset, std::span<const u8> in) {
  if (read_only_) return false;
  // A guest that writes the header of another format would choose what the next run opens, with
  // any backing file of the host.
  if (probed_raw_ && offset < 4 && is_other_format(in, offset)) {
    RING3_LOG(GuestErrors, "{}: header of another image format refused; give format=raw",
              options_.file);
    return false;
  }
  if (!note(image_->write(offset, in))) return false;
  return !options_.write_through || note(image_->flush());
}

bool Drive::flush() {
  if (read_only_ || options_.ignore_flush) return true;
  return note(image_->flush());
}

bool Drive::discard(u64 offset, u64 length) {
  if (read_only_) return false;
  return !options_.discard || note(image_->discard(offset, length));
}

}  // namespace ring3
