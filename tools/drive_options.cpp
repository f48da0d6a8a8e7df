// SPDX-License-Identifier: MIT
#include "tools/drive_options.h"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "tools/option_values.h"

namespace ring3 {
namespace {

using Interface = DriveOption::Interface;

/// Takes the next "key=value" off `text`; a doubled comma stands for one in the value.
std::pair<std::string, std::string> next_property(std::string_view& text) {
  std::string item;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == ',' && !text.starts_with(',')) break;
    if (c == ',') text.remove_prefix(1);
    item += c;
  }
  const size_t equals = item.find('=');
  if (equals == std::string::npos) return {item, ""};
  return {item.substr(0, equals), item.substr(equals + 1)};
}

Status set_on_off(bool& field, std::string_view key, std::string_view value) {
  field = value == "on" || value == "yes" || value == "true";
  if (field || value == "off" || value == "no" || value == "false") return success();
  return Error{fmt::format("{} is on or off", key)};
}

Status set_interface(DriveOption& drive, std::string_view value) {
  if (value == "ide") {
    drive.interface = Interface::Ide;
  } else if (value == "virtio") {
    drive.interface = Interface::Virtio;
  } else if (value == "floppy") {
    drive.interface = Interface::Floppy;
  } else if (value == "none") {
    drive.interface = Interface::None;
  } else {
    return Error{fmt::format("no interface '{}'; there are ide, virtio, floppy and none", value)};
  }
  return success();
}

Status set_format(DriveOption& drive, std::string_view value) {
  if (value == "raw") {
    drive.image.format = ImageFormat::Raw;
  } else if (value == "qcow2") {
    drive.image.format = ImageFormat::Qcow2;
  } else {
    return Error{fmt::format("no format '{}'; there are raw and qcow2", value)};
  }
  return success();
}

Status set_cache(DriveOption& drive, std::string_view value) {
  drive.image.write_through = value == "writethrough" || value == "directsync";
  drive.image.ignore_flush = value == "unsafe";
  if (drive.image.write_through || drive.image.ignore_flush || value == "writeback" ||
      value == "none")
    return success();
  return Error{"cache is writeback, none, writethrough, directsync or unsafe"};
}

Status set_media(DriveOption& drive, std::string_view value) {
  drive.cdrom = value == "cdrom";
  if (drive.cdrom || value == "disk") return success();
  return Error{"media is disk or cdrom"};
}

Status set_discard(DriveOption& drive, std::string_view value) {
  drive.image.discard = value == "unmap" || value == "on";
  if (drive.image.discard || value == "ignore" || value == "off") return success();
  return Error{"discard is unmap or ignore"};
}

Status set_index(DriveOption& drive, std::string_view value) {
  const auto index = parse_number(value, 31);
  if (!index) return Error{index.error()};
  drive.index = static_cast<unsigned>(*index);
  return success();
}

Status set_property(DriveOption& drive, const std::string& key, const std::string& value) {
  if (key == "file") return drive.image.file = value, success();
  if (key == "if") return set_interface(drive, value);
  if (key == "format") return set_format(drive, value);
  if (key == "index") return set_index(drive, value);
  if (key == "media") return set_media(drive, value);
  if (key == "cache") return set_cache(drive, value);
  if (key == "discard") return set_discard(drive, value);
  if (key == "serial") return drive.serial = value, success();
  if (key == "id") return drive.id = value, success();
  if (key == "readonly" || key == "read-only") return set_on_off(drive.image.read_only, key, value);
  if (key == "snapshot") return set_on_off(drive.image.snapshot, key, value);
  return Error{
      fmt::format("no property '{}'; there are file, format, if, index, media, readonly, "
                  "snapshot, cache, discard, serial and id",
                  key)};
}

Status check(DriveOption& drive) {
  if (drive.cdrom) drive.image.read_only = true;
  if (drive.interface == Interface::None && drive.id.empty())
    return Error{"if=none is for a -device; give id=ID and -device virtio-blk-pci,drive=ID"};
  if (drive.cdrom && drive.interface != Interface::Ide && drive.interface != Interface::None)
    return Error{"CD drives are on IDE; give if=ide"};
  if (drive.image.file.empty() && !drive.cdrom) return Error{"needs an image; give file=FILE"};
  return success();
}

}  // namespace

Result<DriveOption> parse_drive(std::string_view value) {
  DriveOption drive;
  drive.option = "-drive";
  while (!value.empty()) {
    const auto [key, text] = next_property(value);
    if (Status s = set_property(drive, key, text); !s) return Error{s.error()};
  }
  if (Status s = check(drive); !s) return Error{s.error()};
  return drive;
}

DriveOption drive_shortcut(std::string_view option, std::string_view file) {
  DriveOption drive;
  drive.option = fmt::format("-{}", option);
  drive.image.file = file;
  drive.cdrom = option == "cdrom";
  drive.image.read_only = drive.cdrom;
  drive.index = drive.cdrom ? 2 : static_cast<unsigned>(option.back() - 'a');
  if (option.starts_with("fd")) drive.interface = Interface::Floppy;
  return drive;
}

Result<DriveSlot*> OpenedDrives::place(const DriveOption& drive) {
  std::span<DriveSlot> slots = config_.ide;
  if (drive.interface == Interface::Virtio) slots = virtio_;
  if (drive.interface == Interface::Floppy) slots = config_.floppy;
  unsigned index = drive.index.value_or(0);
  while (!drive.index && index < slots.size() && slots[index].kind != DriveSlot::Kind::None)
    ++index;
  if (index >= slots.size())
    return Error{fmt::format(fmt::runtime(drive.index ? "no such place; there are index 0 to {}"
                                                      : "all {} places are taken"),
                             drive.index ? slots.size() - 1 : slots.size())};
  if (slots[index].kind != DriveSlot::Kind::None)
    return Error{fmt::format("index {} is taken by another drive; give another index", index)};
  return &slots[index];
}

Status OpenedDrives::open(const std::vector<DriveOption>& drives, bool snapshot) {
  const auto in_order = [&](bool with_index) -> Status {
    for (const DriveOption& drive : drives) {
      if (drive.index.has_value() != with_index) continue;
      const auto slot = place(drive);
      if (!slot)
        return Error{fmt::format("{} {}: {}", drive.option, drive.image.file, slot.error())};
      (*slot)->kind = drive.cdrom ? DriveSlot::Kind::CdRom : DriveSlot::Kind::Disk;
      (*slot)->serial = drive.serial;
      (*slot)->legacy = drive.legacy;
      if (drive.image.file.empty()) continue;
      DriveOptions options = drive.image;
      options.snapshot |= snapshot;
      auto medium = Drive::open(options);
      if (!medium) return Error{fmt::format("{} {}", drive.option, medium.error())};
      (*slot)->medium = medium->get();
      media_.push_back(std::move(*medium));
    }
    return success();
  };
  if (Status s = in_order(true); !s) return s;
  if (Status s = in_order(false); !s) return s;
  for (const DriveSlot& slot : virtio_)
    if (slot.kind != DriveSlot::Kind::None) config_.virtio.push_back(slot);
  return success();
}

}  // namespace ring3
