// SPDX-License-Identifier: MIT
// The refcounts of a qcow2 image: which clusters of the file are in use. Changes stay in memory
// until write_out(); what loses its last user is given back by the owner after that.
#pragma once

#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "devices/block/qcow2_format.h"

namespace ring3::qcow2 {

class Refcounts {
 public:
  Refcounts(DiskFile& file, const Header& header);

  Status load();
  /// A free cluster, which has one user from now on; its offset.
  Result<u64> allocate();
  /// One user of the cluster less.
  Status release(u64 offset);
  /// Blocks, then the table that names them; both are in the file afterwards.
  Status write_out();
  bool dirty() const { return dirty_blocks_ || table_dirty_ || in_header_; }

  /// Clusters that hold tables: data that points there would destroy them.
  bool is_metadata(u64 offset) const { return metadata_.contains(offset >> bits_); }
  void add_metadata(u64 offset) { metadata_.insert(offset >> bits_); }
  void remove_metadata(u64 offset) { metadata_.erase(offset >> bits_); }

 private:
  struct Block {
    std::vector<u8> bytes;
    bool dirty = false;
  };
  struct TablePlace {
    u64 offset, clusters;
  };
  u64 per_block() const { return cluster_size_ * 8 >> order_; }
  /// The block of a cluster's refcount; null: there is none, all its counts are 0.
  Result<Block*> block_of(u64 cluster);
  Result<Block*> make_block_of(u64 cluster);
  Result<u64> count(u64 cluster);
  u64 get(const Block& block, u64 index) const;
  void set(Block& block, u64 index, u64 value);
  Result<u64> find_free();
  Status grow_table(u64 entries);
  Status release_table(TablePlace place);
  Status switch_header();

  DiskFile& file_;
  const u32 bits_, order_;
  const u64 cluster_size_;
  TablePlace place_;                     ///< of the table
  std::optional<TablePlace> in_header_;  ///< what the file's header still says, if not place_
  std::vector<u64> table_;
  std::map<u64, Block> blocks_;  ///< by index into the table
  u64 dirty_blocks_ = 0;
  bool table_dirty_ = false;
  u64 free_from_ = 1;   ///< no cluster below is free
  u64 used_up_to_ = 0;  ///< what was allocated lies below; the file may end earlier
  std::unordered_set<u64> metadata_;
};

}  // namespace ring3::qcow2
