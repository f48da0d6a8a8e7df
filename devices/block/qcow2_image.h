// SPDX-License-Identifier: MIT
// A qcow2 image, versions 2 and 3: reading and writing, backing files, compressed clusters (zlib
// and zstd), clusters shared with internal snapshots.
// Written metadata stays in memory until flush(), which puts it into the file in an order that
// leaves a consistent image wherever it is cut: data, refcounts, L2 tables, the L1 table, and only
// then what became free. A crash can leave clusters that nobody uses, never one used twice.
// Not emulated: encryption, external data files, extended L2 entries, bitmaps (dropped at the first
// write, as the format has it), making or deleting internal snapshots.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "devices/block/image.h"
#include "devices/block/qcow2_format.h"
#include "devices/block/qcow2_refcounts.h"

namespace ring3 {

class Qcow2Image final : public Image {
 public:
  /// `backing` is what the header names, opened; null if it names nothing.
  static Result<std::unique_ptr<Image>> open(std::unique_ptr<DiskFile> file,
                                             const qcow2::Header& header,
                                             std::unique_ptr<Image> backing);
  ~Qcow2Image() override;

  u64 size() const override { return (h_.size + 511) & ~u64{511}; }
  bool writable() const override { return file_->writable(); }
  Status read(u64 offset, std::span<u8> out) override;
  Status write(u64 offset, std::span<const u8> in) override;
  Status flush() override;
  Status discard(u64 offset, u64 length) override;

 private:
  struct L2Table {
    std::vector<u64> entries;
    u64 offset = 0;  ///< in the file
    bool dirty = false;
  };
  /// Where a cluster of the guest is described.
  struct Slot {
    L2Table* table = nullptr;  ///< null: nothing of this part was written
    u64 index = 0;
    u64 entry() const { return table ? table->entries[index] : 0; }
  };

  Qcow2Image(std::unique_ptr<DiskFile> file, const qcow2::Header& header,
             std::unique_ptr<Image> backing);
  Status load();
  Status begin_writing();

  Result<Slot> find(u64 offset);
  Result<Slot> find_to_write(u64 offset);
  Status make_table(u64 l1_index);
  Status keep_cache_small();
  void set_entry(const Slot& slot, u64 entry);

  Status read_cluster(u64 entry, u64 offset, std::span<u8> out);
  Status read_backing(u64 offset, std::span<u8> out);
  Status read_compressed(u64 entry, u64 within, std::span<u8> out);
  Status unpack(std::span<const u8> packed);
  Status check_data(u64 host) const;

  Status write_cluster(u64 offset, std::span<const u8> in);
  Status write_new_cluster(const Slot& slot, u64 offset, std::span<const u8> in);
  void release_later(u64 entry);
  Status discard_cluster(u64 offset);
  Status write_tables();

  const std::unique_ptr<DiskFile> file_;
  const qcow2::Header h_;
  const std::unique_ptr<Image> backing_;
  const u64 cluster_size_;
  qcow2::Refcounts refcounts_;
  std::vector<u64> l1_;
  bool l1_dirty_ = false;
  std::unordered_map<u64, L2Table> l2_;  ///< by index into L1
  size_t dirty_tables_ = 0;
  std::vector<u64> releases_;  ///< clusters that lose a user once the tables are written
  u64 unpacked_entry_ = 0;     ///< whose data `unpacked_` holds; 0: none
  std::vector<u8> unpacked_;
};

}  // namespace ring3
