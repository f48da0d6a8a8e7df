// SPDX-License-Identifier: MIT
// -snapshot: what is written goes to a temporary file, at the offset it has on the medium; which
// sectors are there is kept in memory. The image below is only read.
#pragma once

#include <bitset>
#include <memory>
#include <unordered_map>

#include "devices/block/block_device.h"
#include "devices/block/image.h"
#include "host/disk_file.h"

namespace ring3 {

class Snapshot final : public Image {
 public:
  Snapshot(std::unique_ptr<Image> below, std::unique_ptr<DiskFile> written);

  u64 size() const override { return below_->size(); }
  bool writable() const override { return true; }
  Status read(u64 offset, std::span<u8> out) override;
  Status write(u64 offset, std::span<const u8> in) override;
  Status flush() override { return success(); }  // nothing outlives the run
  Status discard(u64, u64) override { return success(); }

 private:
  static constexpr u64 kSectorsPerGroup = 8192;
  using Group = std::bitset<kSectorsPerGroup>;

  bool is_written(u64 sector) const;
  void mark_written(u64 sector);
  /// Copies the sector at `offset` up, if it is not there and only a part of it will be written.
  Status fill_sector(u64 offset);

  std::unique_ptr<Image> below_;
  std::unique_ptr<DiskFile> file_;
  std::unordered_map<u64, Group> groups_;  ///< by number; where none is, nothing was written
};

}  // namespace ring3
