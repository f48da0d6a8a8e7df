// SPDX-License-Identifier: MIT
// -drive and its short forms: what the user asked for, and the opened media in the places where the
// board wants them. Property names are QEMU's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "devices/block/drive.h"
#include "devices/pc_storage.h"

namespace ring3 {

struct DriveOption {
  enum class Interface : u8 { Ide, Virtio, Floppy, None };  ///< None: see drive_devices.h
  std::string option;  ///< as errors name it: "-hda" or "-drive"
  Interface interface = Interface::Ide;
  std::optional<unsigned> index;  ///< none: the next free one
  bool cdrom = false;
  DriveOptions image;  ///< of an empty CD drive, the file is empty
  std::string serial, id;
  bool legacy = true;  ///< of virtio: for old drivers, too
};

/// The value of -drive. An error is reason and way out.
Result<DriveOption> parse_drive(std::string_view value);
/// -hda to -hdd, -cdrom, -fda, -fdb.
DriveOption drive_shortcut(std::string_view option, std::string_view file);

/// The media that belong to options; outlives the board.
class OpenedDrives {
 public:
  /// Places every drive, then opens its image. `snapshot`: -snapshot was given.
  Status open(const std::vector<DriveOption>& drives, bool snapshot);
  const StorageConfig& config() const { return config_; }

 private:
  Result<DriveSlot*> place(const DriveOption& drive);

  std::vector<std::unique_ptr<Drive>> media_;
  StorageConfig config_;
  std::array<DriveSlot, PcStorage::kMostVirtio> virtio_{};  ///< by index; empty ones fall out
};

}  // namespace ring3
