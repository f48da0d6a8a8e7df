// SPDX-License-Identifier: MIT
#include "devices/block/snapshot.h"

#include <algorithm>
#include <array>

namespace ring3 {

Snapshot::Snapshot(std::unique_ptr<Image> below, std::unique_ptr<DiskFile> written)
    : below_(std::move(below)), file_(std::move(written)) {}

bool Snapshot::is_written(u64 sector) const {
  const auto group = groups_.find(sector / kSectorsPerGroup);
  return group != groups_.end() && group->second.test(sector % kSectorsPerGroup);
}

void Snapshot::mark_written(u64 sector) {
  groups_[sector / kSectorsPerGroup].set(sector % kSectorsPerGroup);
}

Status Snapshot::read(u64 offset, std::span<u8> out) {
  while (!out.empty()) {
    // As far as all sectors come from the same place.
    const bool above = is_written(offset / kSectorSize);
    u64 end = offset / kSectorSize * kSectorSize + kSectorSize;
    while (end < offset + out.size() && is_written(end / kSectorSize) == above) end += kSectorSize;
    const auto part = out.first(std::min<u64>(end - offset, out.size()));
    if (Status s = above ? file_->read(offset, part) : below_->read(offset, part); !s) return s;
    offset += part.size();
    out = out.subspan(part.size());
  }
  return success();
}

Status Snapshot::fill_sector(u64 offset) {
  const u64 start = offset / kSectorSize * kSectorSize;
  if (start == offset || is_written(offset / kSectorSize)) return success();
  std::array<u8, kSectorSize> sector;
  if (Status s = below_->read(start, sector); !s) return s;
  if (Status s = file_->write(start, sector); !s) return s;
  mark_written(start / kSectorSize);
  return success();
}

Status Snapshot::write(u64 offset, std::span<const u8> in) {
  if (in.empty()) return success();
  const u64 end = offset + in.size();
  if (Status s = fill_sector(offset); !s) return s;
  if (Status s = fill_sector(end); !s) return s;
  if (Status s = file_->write(offset, in); !s) return s;
  for (u64 sector = offset / kSectorSize; sector * kSectorSize < end; ++sector)
    mark_written(sector);
  return success();
}

}  // namespace ring3
