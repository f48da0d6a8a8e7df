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
      place_{h.refcount_table_offset, h.refcount_table_clusters} {}

Status Refcounts::load() {
  std::vector<u8> raw(place_.clusters << bits_);
  if (Status s = file_.read(place_.offset, raw); !s) return s;
  add_metadata(0);
  for (u64 i = 0; i < place_.clusters; ++i) add_metadata(place_.offset + (i << bits_));
  table_.resize(raw.size() / 8);
  for (size_t i = 0; i < table_.size(); ++i) {
    table_[i] = load64(&raw[8 * i]);
    if (table_[i] == 0) continue;
    // A block that something else uses too would be written by both.
    if (table_[i] % cluster_size_ || table_[i] >= file_.size() || is_metadata(table_[i]))
      return corrupt("refcount table");
    add_metadata(table_[i]);
  }
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
    if (*users) continue;
    if (is_metadata(free_from_ << bits_)) return corrupt("refcount of a table");
    return free_from_;
  }
}

/// The new table goes behind all that is in the file, and the blocks that count it behind it. The
/// header is switched when all of it is there, see write_out().
Status Refcounts::grow_table(u64 entries) {
  const u64 clusters = (std::max<u64>(entries, table_.size() * 2) * 8 + cluster_size_ - 1) >> bits_;
  const u64 start = std::max<u64>((file_.size() + cluster_size_ - 1) >> bits_, used_up_to_);
  std::vector<u64> table = table_, made;
  table.resize((clusters << bits_) / 8);
  u64 end = start + clusters;
  for (u64 at = start; at < end; at += per_block() - at % per_block()) {
    const u64 index = at / per_block();
    if (index >= table.size()) return Error{"cannot grow further; convert it to larger clusters"};
    const auto block = block_of(at);
    if (!block) return Error{block.error()};
    if (*block) continue;
    table[index] = end++ << bits_;
    made.push_back(index);
  }
  // From here on nothing fails before all of it is consistent in memory.
  for (const u64 index : made) {
    add_metadata(table[index]);
    blocks_.emplace(index, Block{std::vector<u8>(cluster_size_)});
  }
  table_ = std::move(table);
  used_up_to_ = end;
  for (u64 at = start; at < end; ++at) set(blocks_.at(at / per_block()), at % per_block(), 1);
  const TablePlace before = std::exchange(place_, {start << bits_, clusters});
  for (u64 i = 0; i < clusters; ++i) add_metadata(place_.offset + (i << bits_));
  table_dirty_ = true;
  if (in_header_) {
    // An earlier move did not reach the header: nothing names that place.
    if (Status s = release_table(before); !s) return s;
  } else {
    in_header_ = before;
  }
  return write_out();
}

Status Refcounts::release_table(TablePlace place) {
  for (u64 i = 0; i < place.clusters; ++i)
    if (Status s = release(place.offset + (i << bits_)); !s) return s;
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
  if (table_dirty_) {
    if (Status s = file_.sync(); !s) return s;
    std::vector<u8> raw(place_.clusters << bits_);
    for (size_t i = 0; i < table_.size(); ++i) store64(&raw[8 * i], table_[i]);
    if (Status s = file_.write(place_.offset, raw); !s) return s;
    table_dirty_ = false;
  }
  return in_header_ ? switch_header() : success();
}

/// The header names the new table, once that is there for good; then the old one is free.
Status Refcounts::switch_header() {
  if (Status s = file_.sync(); !s) return s;
  std::array<u8, 12> field;
  store64(&field[0], place_.offset);
  store(&field[8], __builtin_bswap32(static_cast<u32>(place_.clusters)));
  if (Status s = file_.write(kRefcountTableField, field); !s) return s;
  if (Status s = file_.sync(); !s) return s;
  return release_table(*std::exchange(in_header_, std::nullopt));
}

}  // namespace ring3::qcow2
