// SPDX-License-Identifier: MIT
// Opening, finding clusters, reading.
#include "devices/block/qcow2_image.h"

#include <algorithm>
#include <array>

namespace ring3 {
namespace {

using namespace qcow2;

constexpr u64 kCacheBytes = 32 << 20;
constexpr size_t kFewestTables = 64;

}  // namespace

Qcow2Image::Qcow2Image(std::unique_ptr<DiskFile> file, const Header& header,
                       std::unique_ptr<Image> backing)
    : file_(std::move(file)),
      h_(header),
      backing_(std::move(backing)),
      cluster_size_(header.cluster_size()),
      refcounts_(*file_, header) {}

Result<std::unique_ptr<Image>> Qcow2Image::open(std::unique_ptr<DiskFile> file,
                                                const Header& header,
                                                std::unique_ptr<Image> backing) {
  if (file->writable() && (header.dirty || header.corrupt))
    return Error{"was not closed cleanly; repair it with qemu-img check -r all"};
  std::unique_ptr<Qcow2Image> image(new Qcow2Image(std::move(file), header, std::move(backing)));
  if (Status s = image->load(); !s) return Error{s.error()};
  return std::unique_ptr<Image>(std::move(image));
}

Status Qcow2Image::load() {
  std::vector<u8> raw(u64{h_.l1_size} * 8);
  if (Status s = file_->read(h_.l1_offset, raw); !s) return s;
  if (Status s = refcounts_.load(); !s) return s;
  for (u64 at = 0; at < raw.size(); at += cluster_size_) {
    if (refcounts_.is_metadata(h_.l1_offset + at)) return corrupt("place of the L1 table");
    refcounts_.add_metadata(h_.l1_offset + at);
  }
  l1_.resize(h_.l1_size);
  for (size_t i = 0; i < l1_.size(); ++i) {
    l1_[i] = load64(&raw[8 * i]);
    const u64 table = l1_[i] & kOffsetMask;
    if (table == 0) continue;
    if (table % cluster_size_ || refcounts_.is_metadata(table)) return corrupt("L1 table");
    if (table >= file_->size() || cluster_size_ > file_->size() - table)
      return Error{"is truncated or corrupt; take a complete copy, or see qemu-img check"};
    refcounts_.add_metadata(table);
  }
  return file_->writable() ? begin_writing() : success();
}

/// What other programs keep beside the image (bitmaps) is no longer true once we write.
Status Qcow2Image::begin_writing() {
  if (h_.autoclear == 0) return success();
  return file_->write(kAutoclearField, std::array<u8, 8>{});
}

Result<Qcow2Image::Slot> Qcow2Image::find(u64 offset) {
  const u64 cluster = offset >> h_.cluster_bits;
  const u64 l1_index = cluster / h_.l2_entries(), index = cluster % h_.l2_entries();
  if (const auto it = l2_.find(l1_index); it != l2_.end()) return Slot{&it->second, index};
  const u64 table = l1_[l1_index] & kOffsetMask;
  if (table == 0) return Slot{nullptr, index};
  if (Status s = keep_cache_small(); !s) return Error{s.error()};
  std::vector<u8> raw(cluster_size_);
  if (Status s = file_->read(table, raw); !s) return Error{s.error()};
  L2Table loaded{std::vector<u64>(h_.l2_entries()), table};
  for (size_t i = 0; i < loaded.entries.size(); ++i) loaded.entries[i] = load64(&raw[8 * i]);
  return Slot{&l2_.emplace(l1_index, std::move(loaded)).first->second, index};
}

Status Qcow2Image::keep_cache_small() {
  if (l2_.size() < std::max<size_t>(kFewestTables, kCacheBytes / cluster_size_)) return success();
  if (dirty_tables_)
    if (Status s = flush(); !s) return s;
  l2_.clear();
  return success();
}

/// Data may stand where the file is and no table is.
Status Qcow2Image::check_data(u64 host) const {
  if (host % cluster_size_) return corrupt("L2 entry");
  if (host >= file_->size()) return Error{"is truncated or corrupt; see qemu-img check"};
  return refcounts_.is_metadata(host) ? Status(corrupt("data in a table")) : success();
}

Status Qcow2Image::read(u64 offset, std::span<u8> out) {
  while (!out.empty()) {
    const u64 within = offset & (cluster_size_ - 1);
    const auto part = out.first(std::min<u64>(out.size(), cluster_size_ - within));
    auto slot = find(offset);
    if (!slot) return Error{slot.error()};
    if (Status s = read_cluster(slot->entry(), offset, part); !s) return s;
    offset += part.size();
    out = out.subspan(part.size());
  }
  return success();
}

Status Qcow2Image::read_cluster(u64 entry, u64 offset, std::span<u8> out) {
  const u64 within = offset & (cluster_size_ - 1);
  if (entry & kCompressed) return read_compressed(entry, within, out);
  if (h_.version >= 3 && (entry & kZero)) {
    std::fill(out.begin(), out.end(), u8{0});
    return success();
  }
  const u64 host = entry & kOffsetMask;
  if (host == 0) return read_backing(offset, out);
  if (Status s = check_data(host); !s) return s;
  return file_->read(host + within, out);
}

/// The backing image may be shorter; zeros follow it.
Status Qcow2Image::read_backing(u64 offset, std::span<u8> out) {
  const u64 end = backing_ ? backing_->size() : 0;
  const size_t there = offset < end ? std::min<u64>(out.size(), end - offset) : 0;
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(there), out.end(), u8{0});
  return there ? backing_->read(offset, out.first(there)) : success();
}

}  // namespace ring3
