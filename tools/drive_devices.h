// SPDX-License-Identifier: MIT
// -device virtio-blk-pci,drive=ID and its like: a drive that -drive if=none,id=ID names becomes a
// device. Names and properties are QEMU's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/drive_options.h"

namespace ring3 {

struct DriveDevice {
  std::string device, drive, serial;
  bool legacy = true;  ///< of virtio: the transitional registers are there
};

/// Is this a -device that takes a drive?
bool is_drive_device(std::string_view device);
/// "drive=ID,serial=TEXT,disable-legacy=on".
Result<DriveDevice> parse_drive_device(std::string_view device, std::string_view properties);
/// Gives each device its drive; devices are in the order of their options.
Status attach_drives(std::vector<DriveOption>& drives, const std::vector<DriveDevice>& devices);

}  // namespace ring3
