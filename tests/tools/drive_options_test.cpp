// SPDX-License-Identifier: MIT
#include "tools/drive_options.h"

#include <catch2/catch.hpp>

#include "tests/block/temporary_directory.h"
#include "tools/drive_devices.h"

using namespace ring3;
using namespace ring3::test;

namespace {

DriveOption parsed(std::string_view text) {
  auto drive = parse_drive(text);
  REQUIRE(drive);
  return *drive;
}
std::string open_error(const std::vector<DriveOption>& drives) {
  OpenedDrives opened;
  const Status status = opened.open(drives, false);
  return status ? "" : status.error();
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("drive options: the properties -> as they are named") {
  const DriveOption d = parsed(
      "file=a,,b,if=virtio,format=qcow2,index=3,readonly=on,cache=unsafe,discard=unmap,serial=x");
  CHECK(d.image.file == "a,b");
  CHECK(d.interface == DriveOption::Interface::Virtio);
  CHECK(d.image.format == ImageFormat::Qcow2);
  CHECK(d.index == 3u);
  CHECK(d.image.read_only);
  CHECK(d.image.ignore_flush);
  CHECK(d.image.discard);
  CHECK(d.serial == "x");
}

TEST_CASE("drive options: a CD drive -> read-only, and it may be empty") {
  CHECK(parsed("media=cdrom").image.read_only);
  CHECK_FALSE(parse_drive("media=disk"));
  CHECK_FALSE(parse_drive("media=cdrom,if=virtio"));
}

TEST_CASE("drive options: short forms -> interface and index") {
  CHECK(drive_shortcut("hdc", "f").index == 2u);
  CHECK(drive_shortcut("fdb", "f").index == 1u);
  CHECK(drive_shortcut("fdb", "f").interface == DriveOption::Interface::Floppy);
  CHECK(drive_shortcut("cdrom", "f").cdrom);
}

TEST_CASE(
    "drive options: drives without an index -> the places that are left; a taken one -> error") {
  TemporaryDirectory dir;
  const auto file = [&](const char* name) { return dir.file(name, std::vector<u8>(512)); };
  OpenedDrives opened;
  REQUIRE(opened.open({parsed("file=" + file("a")), drive_shortcut("hda", file("b"))}, false));
  CHECK(opened.config().ide[0].kind == DriveSlot::Kind::Disk);
  CHECK(opened.config().ide[1].kind == DriveSlot::Kind::Disk);
  CHECK(has(open_error({drive_shortcut("cdrom", file("c")), drive_shortcut("hdc", file("d"))}),
            "index 2 is taken"));
  CHECK(has(open_error({parsed("file=" + file("e") + ",index=4")}), "index 0 to 3"));
  CHECK(has(open_error({drive_shortcut("hda", dir.path("gone"))}), "-hda " + dir.path("gone")));
}

TEST_CASE("drive devices: -device with drive=ID -> the drive of that id, in the devices' order") {
  std::vector<DriveOption> drives = {parsed("file=a,if=none,id=one"), parsed("file=b,if=ide"),
                                     parsed("file=c,if=none,id=two")};
  const auto two = parse_drive_device("virtio-blk-pci", "drive=two,serial=S,disable-legacy=on");
  const auto one = parse_drive_device("ide-cd", "drive=one");
  REQUIRE(one);
  REQUIRE(two);
  REQUIRE(attach_drives(drives, {*two, *one}));
  REQUIRE(drives.size() == 3);
  CHECK(drives[1].image.file == "c");
  CHECK(drives[1].interface == DriveOption::Interface::Virtio);
  CHECK_FALSE(drives[1].legacy);
  CHECK(drives[1].serial == "S");
  CHECK(drives[2].cdrom);
  CHECK(drives[2].image.read_only);
}

TEST_CASE(
    "drive devices: no such drive, one with an interface, no drive -> errors with a way out") {
  std::vector<DriveOption> drives = {parsed("file=a,if=ide,id=one")};
  const auto error = [&](const char* properties) {
    const auto device = parse_drive_device("virtio-blk-pci", properties);
    if (!device) return device.error();
    const Status status = attach_drives(drives, {*device});
    return status ? std::string() : status.error();
  };
  CHECK(has(error("drive=none"), "-drive if=none,id=ID"));
  CHECK(has(error("drive=one"), "if=none"));
  CHECK(has(error("serial=x"), "drive=ID"));
  CHECK(has(error("drive=one,iothread=x"), "no property 'iothread'"));
  CHECK_FALSE(parse_drive("file=a,if=none"));
}
