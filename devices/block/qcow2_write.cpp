// SPDX-License-Identifier: MIT
// Writing, discarding, and the order in which tables reach the file.
#include <algorithm>
#include <utility>

#include "devices/block/qcow2_image.h"

namespace ring3 {
namespace {

using namespace qcow2;

}  // namespace

/// What the last flush gave back is counted; if that fails, the clusters are leaked and no harm
/// done.
Qcow2Image::~Qcow2Image() {
  if (file_->writable() && refcounts_.dirty()) static_cast<void>(refcounts_.write_out());
}

void Qcow2Image::set_entry(const Slot& slot, u64 entry) {
  slot.table->entries[slot.index] = entry;
  dirty_tables_ += !std::exchange(slot.table->dirty, true);
}

/// The same as find(), with a table that belongs to this image alone.
Result<Qcow2Image::Slot> Qcow2Image::find_to_write(u64 offset) {
  auto slot = find(offset);
  if (!slot) return slot;
  const u64 l1_index = (offset >> h_.cluster_bits) / h_.l2_entries();
  if (slot->table && (l1_[l1_index] & kCopied)) return slot;
  if (Status s = make_table(l1_index); !s) return Error{s.error()};
  return Slot{&l2_[l1_index], slot->index};
}

/// A new table, or a copy of one that a snapshot shares.
Status Qcow2Image::make_table(u64 l1_index) {
  const auto offset = refcounts_.allocate();
  if (!offset) return Error{offset.error()};
  const u64 shared = l1_[l1_index] & kOffsetMask;
  if (!shared)
    if (Status s = keep_cache_small(); !s) return s;
  L2Table& table = l2_[l1_index];
  if (!shared) table.entries.assign(h_.l2_entries(), 0);
  table.offset = *offset;
  dirty_tables_ += !std::exchange(table.dirty, true);
  if (shared) releases_.push_back(shared);
  l1_[l1_index] = *offset | kCopied;
  l1_dirty_ = true;
  refcounts_.add_metadata(*offset);
  return success();
}

Status Qcow2Image::write(u64 offset, std::span<const u8> in) {
  while (!in.empty()) {
    const u64 within = offset & (cluster_size_ - 1);
    const auto part = in.first(std::min<u64>(in.size(), cluster_size_ - within));
    if (Status s = write_cluster(offset, part); !s) return s;
    offset += part.size();
    in = in.subspan(part.size());
  }
  return success();
}

Status Qcow2Image::write_cluster(u64 offset, std::span<const u8> in) {
  auto slot = find_to_write(offset);
  if (!slot) return Error{slot.error()};
  const u64 entry = slot->entry(), host = entry & kOffsetMask;
  const bool plain = !(entry & kCompressed) && (h_.version < 3 || !(entry & kZero));
  if (plain && host && (entry & kCopied)) {
    if (Status s = check_data(host); !s) return s;
    return file_->write(host + (offset & (cluster_size_ - 1)), in);
  }
  return write_new_cluster(*slot, offset, in);
}

/// A new cluster with the old contents around what is written. The entry changes last.
Status Qcow2Image::write_new_cluster(const Slot& slot, u64 offset, std::span<const u8> in) {
  const u64 entry = slot.entry(), start = offset & ~(cluster_size_ - 1);
  std::vector<u8> cluster;
  if (in.size() < cluster_size_) {
    cluster.resize(cluster_size_);
    if (Status s = read_cluster(entry, start, cluster); !s) return s;
    std::copy(in.begin(), in.end(), cluster.begin() + static_cast<std::ptrdiff_t>(offset - start));
    in = cluster;
  }
  const auto host = refcounts_.allocate();
  if (!host) return Error{host.error()};
  if (Status s = file_->write(*host, in); !s) {
    const Status released = refcounts_.release(*host);
    return released ? s : released;
  }
  release_later(entry);
  set_entry(slot, *host | kCopied);
  return success();
}

/// What an entry points to loses this user when the tables no longer name it.
void Qcow2Image::release_later(u64 entry) {
  if (!(entry & kCompressed)) {
    if (entry & kOffsetMask) releases_.push_back(entry & kOffsetMask);
    return;
  }
  // Packed data may share its clusters with other packed data, and reach over several.
  const unsigned split = 62 - (h_.cluster_bits - 8);
  const u64 first = entry & low_mask(split);
  const u64 last = (first & ~u64{511}) + ((bits(entry, 61, split) + 1) << 9) - 1;
  for (u64 at = first & ~(cluster_size_ - 1); at <= last; at += cluster_size_)
    releases_.push_back(at);
}

/// Whole clusters only. In version 3 they read as zeros from now on, not as the backing file.
Status Qcow2Image::discard(u64 offset, u64 length) {
  const u64 end = (offset + length) & ~(cluster_size_ - 1);
  for (u64 at = (offset + cluster_size_ - 1) & ~(cluster_size_ - 1); at < end;
       at += cluster_size_) {
    auto slot = find(at);
    if (!slot) return Error{slot.error()};
    if (slot->entry() == (backing_ ? kZero : 0) || (h_.version < 3 && backing_)) continue;
    if (Status s = discard_cluster(at); !s) return s;
  }
  return success();
}

Status Qcow2Image::discard_cluster(u64 offset) {
  auto slot = find_to_write(offset);
  if (!slot) return Error{slot.error()};
  release_later(slot->entry());
  set_entry(*slot, backing_ ? kZero : 0);
  return success();
}

/// Dirty L2 tables into the file; then the L1 table, once those it names are there for good.
Status Qcow2Image::write_tables() {
  std::vector<u8> raw(cluster_size_);
  for (auto& [index, table] : l2_) {
    if (!table.dirty) continue;
    for (size_t i = 0; i < table.entries.size(); ++i) store64(&raw[8 * i], table.entries[i]);
    if (Status s = file_->write(table.offset, raw); !s) return s;
    table.dirty = false;
  }
  dirty_tables_ = 0;
  if (!l1_dirty_) return success();
  if (Status s = file_->sync(); !s) return s;
  raw.resize(l1_.size() * 8);
  for (size_t i = 0; i < l1_.size(); ++i) store64(&raw[8 * i], l1_[i]);
  if (Status s = file_->write(h_.l1_offset, raw); !s) return s;
  l1_dirty_ = false;
  return success();
}

Status Qcow2Image::flush() {
  if (!file_->writable()) return success();
  const bool tables = dirty_tables_ || l1_dirty_;
  if (refcounts_.dirty())
    if (Status s = refcounts_.write_out(); !s) return s;
  if (tables) {
    // Data and refcounts are permanent before a table says that they count.
    if (Status s = file_->sync(); !s) return s;
    if (Status s = write_tables(); !s) return s;
  }
  if (Status s = file_->sync(); !s) return s;
  for (const u64 offset : std::exchange(releases_, {}))
    if (Status s = refcounts_.release(offset); !s) return s;
  return success();
}

}  // namespace ring3
