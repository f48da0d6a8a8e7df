// SPDX-License-Identifier: MIT
#include "tools/drive_devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/option_values.h"

namespace ring3 {
namespace {

using Interface = DriveOption::Interface;

struct Kind {
  std::string_view name;
  Interface interface;
  bool cdrom;
};
constexpr Kind kKinds[] = {
    {"virtio-blk-pci", Interface::Virtio, false},
    {"virtio-blk", Interface::Virtio, false},
    {"ide-hd", Interface::Ide, false},
    {"ide-cd", Interface::Ide, true},
};

const Kind* find_kind(std::string_view device) {
  const auto* it = std::ranges::find(kKinds, device, &Kind::name);
  return it == std::end(kKinds) ? nullptr : it;
}

Status set_legacy(DriveDevice& device, std::string_view value) {
  device.legacy = value == "off" || value == "auto";
  if (device.legacy || value == "on") return success();
  return Error{"disable-legacy is on, off or auto"};
}

}  // namespace

bool is_drive_device(std::string_view device) { return find_kind(device) != nullptr; }

Result<DriveDevice> parse_drive_device(std::string_view device, std::string_view properties) {
  DriveDevice parsed;
  parsed.device = device;
  const bool virtio = find_kind(device)->interface == Interface::Virtio;
  const Status status =
      parse_properties(properties, [&](std::string_view key, std::string_view value) -> Status {
        if (key == "drive") return parsed.drive = value, success();
        if (key == "serial") return parsed.serial = value, success();
        if (key == "id") return success();
        if (key == "disable-legacy" && virtio) return set_legacy(parsed, value);
        return Error{fmt::format("no property '{}'; there are drive, serial{} and id", key,
                                 virtio ? ", disable-legacy" : "")};
      });
  if (!status) return Error{status.error()};
  if (parsed.drive.empty()) return Error{"needs a drive; give drive=ID of a -drive if=none,id=ID"};
  return parsed;
}

Status attach_drives(std::vector<DriveOption>& drives, const std::vector<DriveDevice>& devices) {
  for (const DriveDevice& device : devices) {
    const auto refuse = [&](std::string_view why) {
      return Error{fmt::format("-device {},drive={}: {}", device.device, device.drive, why)};
    };
    const auto it = std::ranges::find(drives, device.drive, &DriveOption::id);
    if (it == drives.end())
      return refuse("no drive has this id; give -drive if=none,id=ID,file=FILE too");
    if (it->interface != Interface::None)
      return refuse("the drive has an interface already; give it if=none");
    DriveOption drive = std::move(*it);
    drives.erase(it);
    const Kind& kind = *find_kind(device.device);
    drive.interface = kind.interface;
    drive.cdrom = kind.cdrom;
    drive.image.read_only |= kind.cdrom;
    drive.legacy = device.legacy;
    if (!device.serial.empty()) drive.serial = device.serial;
    drives.push_back(std::move(drive));
  }
  std::erase_if(drives, [](const DriveOption& d) { return d.interface == Interface::None; });
  return success();
}

}  // namespace ring3
