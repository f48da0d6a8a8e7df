// SPDX-License-Identifier: MIT
#include "devices/block/qcow2_refcounts.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ring3::qcow2 {

Refcounts::Refcounts(DiskFile& file, const Header& h)
    : file_(file),
      bits_(h.cluster_bits),
      order_(h.refcount_order),
      cluster_size_(h.cluster_size()),
      table_offset_(h.refcount_table_offset),
      table_clusters_(h.refcount_table_clusters) {}

Status Refcounts::load() {
  std::vector<u8> raw(table_clusters_ << bits_);
  if (Status s = file_.read(table_offset_, raw); !s) return s;
  table_.resize(raw.size() / 8);
  for (size_t i = 0; i < table_.size(); ++i) {
    table_[i] = load64(&raw[8 * i]);
    if (table_[i] % cluster_size_ || table_[i] >= std::max<u64>(file_.size(), 1))
      return corrupt("refcount table");
    if (table_[i]) add_metadata(table_[i]);
  }
  add_metadata(0);
  for (u64 i = 0; i < table_clusters_; ++i) add_metadata(table_offset_ + (i << bits_));
  return success();
}

u64 Refcounts::get(const Block& block, u64 index) const {
  const u64 at = index << order_ >> 3;
  switch (order_) {
    case 4:
      return u64{block.bytes[at]} << 8 | block.bytes[at + 1];
    case 5:
      return load32(&block.bytes[at]);
    case 6:
      return load64(&block.bytes[at]);
    default:
      return block.bytes[at] >> (index << order_ & 7) & low_mask(1u << order_);
  }
}

void Refcounts::set(Block& block, u64 index, u64 value) {
  const u64 at = index << order_ >> 3;
  if (order_ >= 3) {
    const unsigned size = 1u << (order_ - 3);
    for (unsigned i = 0; i < size; ++i)
      block.bytes[at + i] = static_cast<u8>(value >> (8 * (size - 1 - i)));
  } else {
    const unsigned shift = static_cast<unsigned>(index << order_ & 7);
    const u64 mask = low_mask(1u << order_) << shift;
    block.bytes[at] = static_cast<u8>((block.bytes[at] & ~mask) | value << shift);
  }
  dirty_blocks_ += !std::exchange(block.dirty, true);
}

Result<Refcounts::Block*> Refcounts::block_of(u64 cluster) {
  const u64 index = cluster / per_block();
  if (const auto it = blocks_.find(index); it != blocks_.end()) return &it->second;
  if (index >= table_.size() || table_[index] == 0) return nullptr;
  Block block{std::vector<u8>(cluster_size_)};
  if (Status s = file_.read(table_[index], block.bytes); !s) return Error{s.error()};
  return &blocks_.emplace(index, std::move(block)).first->second;
}

/// A missing block is put into the first free cluster of those that it counts, which is its own.
Result<Refcounts::Block*> Refcounts::make_block_of(u64 cluster) {
  auto block = block_of(cluster);
  if (!block || *block) return block;
  const u64 index = cluster / per_block();
  if (index >= table_.size())
    if (Status s = grow_table(index + 1); !s) return Error{s.error()};
  block = block_of(cluster);  // growing may have made it
  if (!block || *block) return block;
  table_[index] = cluster << bits_;
  table_dirty_ = true;
  used_up_to_ = std::max(used_up_to_, cluster + 1);
  add_metadata(table_[index]);
  Block& made = blocks_.emplace(index, Block{std::vector<u8>(cluster_size_)}).first->second;
  set(made, cluster % per_block(), 1);
  return &made;
}

Result<u64> Refcounts::count(u64 cluster) {
  const auto block = block_of(cluster);
  if (!block) return Error{block.error()};
  return *block ? get(**block, cluster % per_block()) : 0;
}

Result<u64> Refcounts::find_free() {
  for (;; ++free_from_) {
    const auto users = count(free_from_);
    if (!users) return users;
    if (*users == 0) return free_from_;
  }
}

/// The new table goes behind all that is in the file, and the blocks that count it behind it. The
/// header is switched when all of it is there.
Status Refcounts::grow_table(u64 entries) {
  const u64 clusters = (std::max<u64>(entries, table_.size() * 2) * 8 + cluster_size_ - 1) >> bits_;
  const u64 start = std::max<u64>((file_.size() + cluster_size_ - 1) >> bits_, used_up_to_);
  std::vector<u64> table = table_;
  table.resize((clusters << bits_) / 8);
  u64 end = start + clusters;
  for (u64 at = start; at < end; at += per_block() - at % per_block()) {
    const u64 index = at / per_block();
    if (index >= table.size()) return Error{"cannot grow further; convert it to larger clusters"};
    if (table[index]) continue;
    table[index] = end++ << bits_;
    add_metadata(table[index]);
    blocks_.emplace(index, Block{std::vector<u8>(cluster_size_)});
  }
  const std::vector<u64> before = std::exchange(table_, std::move(table));
  used_up_to_ = end;
  for (u64 at = start; at < end; ++at) {
    const auto block = block_of(at);
    if (!block) return Error{block.error()};
    set(**block, at % per_block(), 1);
  }
  const u64 old_offset = std::exchange(table_offset_, start << bits_);
  const u64 old_clusters = std::exchange(table_clusters_, clusters);
  for (u64 i = 0; i < clusters; ++i) add_metadata(table_offset_ + (i << bits_));
  table_dirty_ = true;
  if (Status s = write_out(); !s) return s;
  if (Status s = file_.sync(); !s) return s;
  std::array<u8, 12> field;
  store64(&field[0], table_offset_);
  store(&field[8], __builtin_bswap32(static_cast<u32>(table_clusters_)));
  if (Status s = file_.write(kRefcountTableField, field); !s) return s;
  if (Status s = file_.sync(); !s) return s;
  for (u64 i = 0; i < old_clusters; ++i)
    if (Status s = release(old_offset + (i << bits_)); !s) return s;
  return success();
}

Result<u64> Refcounts::allocate() {
  for (;;) {
    const auto cluster = find_free();
    if (!cluster) return cluster;
    const auto block = make_block_of(*cluster);
    if (!block) return Error{block.error()};
    // It may have become the block's own.
    const auto users = count(*cluster);
    if (!users) return users;
    if (*users) continue;
    set(**block, *cluster % per_block(), 1);
    ++free_from_;
    used_up_to_ = std::max(used_up_to_, *cluster + 1);
    return *cluster << bits_;
  }
}

Status Refcounts::release(u64 offset) {
  const u64 cluster = offset >> bits_;
  const auto block = block_of(cluster);
  if (!block) return Error{block.error()};
  const u64 users = *block ? get(**block, cluster % per_block()) : 0;
  if (users == 0) return corrupt("refcount of a cluster in use");
  set(**block, cluster % per_block(), users - 1);
  if (users > 1) return success();
  free_from_ = std::min(free_from_, cluster);
  remove_metadata(offset);
  return file_.punch(offset, cluster_size_);
}

Status Refcounts::write_out() {
  if (dirty_blocks_) {
    for (auto& [index, block] : blocks_) {
      if (!block.dirty) continue;
      if (Status s = file_.write(table_[index], block.bytes); !s) return s;
      block.dirty = false;
    }
    dirty_blocks_ = 0;
  }
  if (!table_dirty_) return success();
  if (Status s = file_.sync(); !s) return s;
  std::vector<u8> raw(table_clusters_ << bits_);
  for (size_t i = 0; i < table_.size(); ++i) store64(&raw[8 * i], table_[i]);
  if (Status s = file_.write(table_offset_, raw); !s) return s;
  table_dirty_ = false;
  return success();
}

}  // namespace ring3::qcow2
