// SPDX-License-Identifier: MIT
#include "devices/block/drive.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/block/temporary_directory.h"

using namespace ring3;
using namespace ring3::test;

namespace {

std::string open_error(const DriveOptions& options) {
  const auto drive = Drive::open(options);
  return drive ? "" : drive.error();
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("drive: a raw image -> its bytes, and writes reach the file") {
  TemporaryDirectory dir;
  const auto path = dir.file("disk", std::vector<u8>(4096, 7));
  auto drive = Drive::open({.file = path, .format = ImageFormat::Raw});
  REQUIRE(drive);
  CHECK((*drive)->size() == 4096);
  std::vector<u8> data(512, 1);
  REQUIRE((*drive)->write(1024, data));
  REQUIRE((*drive)->read(512, data));
  CHECK(data == std::vector<u8>(512, 7));
  CHECK(dir.contents("disk")[1024] == 1);
}

TEST_CASE("drive: a size that is no multiple of a sector -> rounded up, zeros at the end") {
  TemporaryDirectory dir;
  const auto path = dir.file("disk", std::vector<u8>(700, 7));
  auto drive = Drive::open({.file = path});
  REQUIRE(drive);
  CHECK((*drive)->size() == 1024);
  std::vector<u8> data(512, 1);
  REQUIRE((*drive)->read(512, data));
  CHECK(data[187] == 7);
  CHECK(data[188] == 0);
  REQUIRE((*drive)->write(512, data));
  CHECK(dir.contents("disk").size() == 1024);
}

TEST_CASE("drive: read-only -> writes and discards are refused, the file is as it was") {
  TemporaryDirectory dir;
  const std::vector<u8> before(4096, 7);
  auto drive = Drive::open({.file = dir.file("disk", before), .read_only = true});
  REQUIRE(drive);
  CHECK((*drive)->read_only());
  CHECK_FALSE((*drive)->write(0, std::vector<u8>(512)));
  CHECK_FALSE((*drive)->discard(0, 512));
  CHECK((*drive)->error().empty());
  CHECK(dir.contents("disk") == before);
}

TEST_CASE("drive: snapshot -> random writes read back, the file is as it was") {
  TemporaryDirectory dir;
  std::vector<u8> twin(300'032, 7);
  const auto before = twin;
  auto drive = Drive::open({.file = dir.file("disk", twin), .snapshot = true});
  REQUIRE(drive);
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const size_t offset = random() % twin.size(),
                 size = std::min<size_t>(random() % 5000, twin.size() - offset);
    const std::vector<u8> data(size, static_cast<u8>(random()));
    REQUIRE((*drive)->write(offset, data));
    std::copy(data.begin(), data.end(), twin.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  std::vector<u8> all(twin.size());
  REQUIRE((*drive)->read(0, all));
  CHECK(all == twin);
  CHECK(dir.contents("disk") == before);
}

TEST_CASE(
    "drive: snapshot over an image of eight terabytes -> takes no more room than is written") {
  TemporaryDirectory dir;
  const auto path = dir.file("disk", {});
  std::filesystem::resize_file(path, u64{1} << 43);
  auto drive = Drive::open({.file = path, .format = ImageFormat::Raw, .snapshot = true});
  REQUIRE(drive);
  std::vector<u8> data(512, 1);
  REQUIRE((*drive)->write((u64{1} << 42) + 512, data));
  REQUIRE((*drive)->read(u64{1} << 42, data));
  CHECK(data == std::vector<u8>(512));
}

TEST_CASE("drive: files that are no images -> one reason with the file's name") {
  TemporaryDirectory dir;
  CHECK(has(open_error({.file = dir.path("missing")}), "No such file"));
  CHECK(has(open_error({.file = dir.path(".")}), "directory"));
  CHECK(has(open_error({.file = "/dev/null"}), "neither a file"));
  CHECK(has(open_error({.file = dir.file("empty", {})}), "is empty"));
  CHECK(
      has(open_error({.file = dir.file("raw", std::vector<u8>(512)), .format = ImageFormat::Qcow2}),
          "no qcow2 image"));
}

TEST_CASE("drive: a second writer, or a reader beside a writer -> refused; two readers -> fine") {
  TemporaryDirectory dir;
  const auto path = dir.file("disk", std::vector<u8>(512));
  {
    const auto writer = Drive::open({.file = path});
    REQUIRE(writer);
    CHECK(has(open_error({.file = path}), "in use"));
    CHECK(has(open_error({.file = path, .read_only = true}), "in use"));
  }
  const auto reader = Drive::open({.file = path, .read_only = true});
  REQUIRE(reader);
  CHECK(open_error({.file = path, .read_only = true}).empty());
  CHECK(open_error({.file = path, .snapshot = true}).empty());
  CHECK(has(open_error({.file = path}), "in use"));
}

TEST_CASE("drive: a header of another format on a disk that only looked raw -> refused") {
  TemporaryDirectory dir;
  const auto path = dir.file("disk", std::vector<u8>(4096));
  std::vector<u8> sector(512);
  std::copy_n("QFI\xfb", 4, sector.begin());
  {
    auto probed = Drive::open({.file = path});
    REQUIRE(probed);
    CHECK_FALSE((*probed)->write(0, sector));
    CHECK((*probed)->write(512, sector));
  }
  auto raw = Drive::open({.file = path, .format = ImageFormat::Raw});
  REQUIRE(raw);
  CHECK((*raw)->write(0, sector));
}
