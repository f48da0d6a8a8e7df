// SPDX-License-Identifier: MIT
// qcow2 images against qemu-img: what it made is read, what we wrote it reads, and its check finds
// no fault. Without the program (package qemu-utils) these tests pass unexamined, with a warning.
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>

#include "devices/block/drive.h"
#include "tests/block/temporary_directory.h"

using namespace ring3;
using namespace ring3::test;

namespace {

bool have_qemu_img() {
  static const bool there = std::system("qemu-img --version >/dev/null 2>&1") == 0;
  if (!there) WARN("no qemu-img: install the package qemu-utils");
  return there;
}

/// A directory in which qemu-img runs.
struct Images : TemporaryDirectory {
  int qemu_img(const std::string& arguments) const {
    const std::string command = "cd " + path(".") + " && qemu-img " + arguments + " >log 2>&1";
    return WEXITSTATUS(std::system(command.c_str()));
  }
  std::unique_ptr<Drive> open(const std::string& name, DriveOptions options = {}) const {
    options.file = path(name);
    auto drive = Drive::open(options);
    INFO((drive ? "" : drive.error()));
    REQUIRE(drive);
    return std::move(*drive);
  }
  std::string open_error(const std::string& name) const {
    const auto drive = Drive::open({.file = path(name)});
    return drive ? "" : drive.error();
  }
};

std::vector<u8> random_bytes(size_t size, u32 seed) {
  std::mt19937 random(seed);
  std::vector<u8> all(size);
  // Compressible, with holes.
  for (size_t i = 0; i < size; ++i)
    all[i] = (i >> 13) % 3 == 0 ? u8{0} : static_cast<u8>(random() % 7 * 30);
  return all;
}

std::vector<u8> all_of(Drive& drive) {
  std::vector<u8> all(drive.size());
  REQUIRE(drive.read(0, all));
  return all;
}

/// Random writes, discards and flushes on a drive and on its twin in memory.
void scramble(Drive& drive, std::vector<u8>& twin, u32 seed, int steps, bool discards) {
  std::mt19937 random(seed);
  for (int i = 0; i < steps; ++i) {
    const size_t offset = random() % twin.size() & ~size_t{511};
    const size_t most = random() % 8 ? 9'000 : 400'000;
    const size_t size =
        std::min<size_t>((random() % most + 512) & ~size_t{511}, twin.size() - offset);
    const std::vector<u8> data(size, static_cast<u8>(random()));
    if (discards && random() % 8 == 0) {
      REQUIRE(drive.discard(offset, size));
      REQUIRE(drive.read(offset, std::span(twin).subspan(offset, size)));
    } else {
      REQUIRE(drive.write(offset, data));
      std::copy(data.begin(), data.end(), twin.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    if (random() % 16 == 0) REQUIRE(drive.flush());
    std::vector<u8> back(size);
    REQUIRE(drive.read(offset, back));
    REQUIRE(
        std::equal(back.begin(), back.end(), twin.begin() + static_cast<std::ptrdiff_t>(offset)));
  }
}

/// Files end there, as on a full disk.
struct FileSizeLimit {
  explicit FileSizeLimit(u64 bytes) { set(bytes); }
  ~FileSizeLimit() { set(RLIM_INFINITY); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  static void set(u64 bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void patch(const std::string& file, u64 offset, const std::vector<u8>& bytes) {
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  f.seekp(static_cast<std::streamoff>(offset));
  f.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

TEST_CASE("qcow2: images that qemu-img made, plain and compressed -> the bytes of the source") {
  if (!have_qemu_img()) return;
  Images dir;
  const auto data = random_bytes(3'000'320, 1);
  dir.file("raw", data);
  for (const std::string options :
       {"", "-o compat=0.10", "-o cluster_size=512", "-o cluster_size=2M", "-c",
        "-c -o compression_type=zstd", "-c -o cluster_size=4k", "-o refcount_bits=1",
        "-o preallocation=metadata"}) {
    CAPTURE(options);
    REQUIRE(dir.qemu_img("convert -O qcow2 " + options + " raw image") == 0);
    CHECK(all_of(*dir.open("image")) == data);
  }
}

TEST_CASE("qcow2: random writes beside a raw twin -> qemu-img finds them equal and no fault") {
  if (!have_qemu_img()) return;
  u32 seed = 1;
  for (const std::string options :
       {"-o compat=1.1", "-o compat=0.10", "-o cluster_size=512", "-o cluster_size=2M",
        "-o refcount_bits=1", "-o refcount_bits=64,cluster_size=1k", "-o refcount_bits=8"}) {
    CAPTURE(options);
    Images dir;
    std::vector<u8> twin(5'000'704);
    REQUIRE(dir.qemu_img("create -f qcow2 " + options + " image 5000704") == 0);
    scramble(*dir.open("image", {.file = "", .discard = true}), twin, ++seed, 300, true);
    dir.file("raw", twin);
    CHECK(dir.qemu_img("check image") == 0);
    CHECK(dir.qemu_img("compare -f raw -F qcow2 raw image") == 0);
    CHECK(all_of(*dir.open("image")) == twin);
  }
}

TEST_CASE("qcow2: writes over a compressed image, and over a backing file -> as above") {
  if (!have_qemu_img()) return;
  for (const std::string make :
       {"convert -c -O qcow2 raw image", "convert -c -O qcow2 -o compression_type=zstd raw image",
        "create -f qcow2 -b raw -F raw image 5M",
        "create -f qcow2 -o compat=0.10 -b raw -F raw image 5M"}) {
    CAPTURE(make);
    Images dir;
    auto twin = random_bytes(3'000'320, 4);
    dir.file("raw", twin);
    const auto backing = twin;
    REQUIRE(dir.qemu_img(make) == 0);
    {
      auto drive = dir.open("image", {.file = "", .discard = true});
      twin.resize(drive->size());
      scramble(*drive, twin, 9, 300, true);
    }
    dir.file("twin", twin);
    CHECK(dir.qemu_img("check image") == 0);
    CHECK(dir.qemu_img("compare -f raw -F qcow2 twin image") == 0);
    CHECK(dir.contents("raw") == backing);
  }
}

TEST_CASE("qcow2: an image with an internal snapshot -> writes leave the snapshot as it was") {
  if (!have_qemu_img()) return;
  Images dir;
  auto twin = random_bytes(2'000'384, 5);
  dir.file("raw", twin);
  REQUIRE(dir.qemu_img("convert -O qcow2 raw image") == 0);
  REQUIRE(dir.qemu_img("snapshot -c before image") == 0);
  scramble(*dir.open("image"), twin, 3, 200, false);
  dir.file("twin", twin);
  CHECK(dir.qemu_img("check image") == 0);
  CHECK(dir.qemu_img("compare -f raw -F qcow2 twin image") == 0);
  REQUIRE(dir.qemu_img("snapshot -a before image") == 0);
  CHECK(dir.qemu_img("compare -f raw -F qcow2 raw image") == 0);
}

TEST_CASE("qcow2: the file as it is after any write of the host -> consistent") {
  if (!have_qemu_img()) return;
  Images dir;
  REQUIRE(dir.qemu_img("create -f qcow2 -o cluster_size=512 image 4M") == 0);
  auto drive = dir.open("image");
  std::vector<u8> twin(4 << 20);
  for (u32 round = 0; round < 12; ++round) {
    scramble(*drive, twin, 100 + round, 40, false);
    // A crash here leaves this: leaks (3) are allowed, faults are not.
    dir.file("crashed", dir.contents("image"));
    const int found = dir.qemu_img("check crashed");
    CHECK((found == 0 || found == 3));
  }
}

TEST_CASE("qcow2: a chain of backing files -> the nearest one that has a cluster gives it") {
  if (!have_qemu_img()) return;
  Images dir;
  auto data = random_bytes(1'000'448, 6);
  dir.file("raw", data);
  REQUIRE(dir.qemu_img("create -f qcow2 -b raw -F raw middle") == 0);
  scramble(*dir.open("middle"), data, 7, 20, false);
  REQUIRE(dir.qemu_img("create -f qcow2 -b middle -F qcow2 top") == 0);
  scramble(*dir.open("top"), data, 8, 20, false);
  CHECK(all_of(*dir.open("top")) == data);
}

TEST_CASE("qcow2: images that cannot be used -> one reason that names it") {
  if (!have_qemu_img()) return;
  Images dir;
  const auto made = [&](const std::string& arguments) {
    REQUIRE(dir.qemu_img("create -f qcow2 " + arguments) == 0);
  };
  made("-u -b b -F qcow2 a 1M");
  made("-u -b a -F qcow2 b 1M");
  CHECK(has(dir.open_error("a"), "circle"));
  made("-u -b gone -F raw c 1M");
  CHECK(has(dir.open_error("c"), "No such file"));
  made("-u -b nbd:host:1 -F raw d 1M");
  CHECK(has(dir.open_error("d"), "no plain file"));
  made("image 1M");
  auto whole = dir.contents("image");
  whole.resize(0x20000);
  dir.file("short", whole);
  CHECK(has(dir.open_error("short"), "truncated"));
  whole.resize(20);
  dir.file("shorter", whole);
  CHECK(has(dir.open_error("shorter"), "truncated"));
  const auto spoiled = [&](u64 offset, const std::vector<u8>& bytes) {
    dir.file("spoiled", dir.contents("image"));
    patch(dir.path("spoiled"), offset, bytes);
    const auto before = dir.contents("spoiled");
    const auto error = dir.open_error("spoiled");
    CHECK(dir.contents("spoiled") == before);
    return error;
  };
  CHECK(has(spoiled(7, {9}), "version 9"));
  CHECK(has(spoiled(23, {40}), "corrupt"));
  CHECK(has(spoiled(35, {1}), "encrypted"));
  CHECK(has(spoiled(40, {0, 0, 0, 0, 0, 9, 0, 0}), "truncated"));
  CHECK(has(spoiled(40, {0, 0, 0, 0, 0, 0, 1, 1}), "corrupt"));
  CHECK(has(spoiled(56, {0, 0, 0, 0}), "corrupt"));
  CHECK(has(spoiled(79, {1}), "qemu-img check -r"));
  CHECK(has(spoiled(79, {4}), "another file"));
}

TEST_CASE("qcow2: any byte of the tables spoiled -> an error or other data, never a crash") {
  if (!have_qemu_img()) return;
  Images dir;
  dir.file("raw", random_bytes(600'064, 6));
  REQUIRE(dir.qemu_img("convert -c -O qcow2 -o cluster_size=4k raw image") == 0);
  const auto good = dir.contents("image");
  std::mt19937 random(2);
  for (int run = 0; run < 400; ++run) {
    auto bad = good;
    for (int n = 0; n < 6; ++n)
      bad[random() % (run % 2 ? 300 : bad.size())] = static_cast<u8>(random());
    dir.file("bad", bad);
    auto drive = Drive::open({.file = dir.path("bad"), .format = ImageFormat::Qcow2});
    if (!drive || (*drive)->size() > 10'000'000) continue;
    std::vector<u8> all((*drive)->size());
    (*drive)->read(0, all);
    (*drive)->write(0, std::span(all).first(std::min<size_t>(all.size(), 70'144)));
    (*drive)->discard(0, (*drive)->size());
    (*drive)->flush();
  }
  SUCCEED();
}

TEST_CASE("qcow2: the host's disk is full, then has room again -> errors, then all is well") {
  if (!have_qemu_img()) return;
  signal(SIGXFSZ, SIG_IGN);
  // 64 counters to a block and 64 blocks to a table's cluster: the table grows.
  for (const u64 room : {70, 130, 260, 500, 1000, 1400, 2000, 2090, 2100, 2103, 2111, 2500, 3000}) {
    CAPTURE(room);
    Images dir;
    std::vector<u8> twin(4 << 20);
    REQUIRE(dir.qemu_img("create -f qcow2 -o cluster_size=512,refcount_bits=64 image 4M") == 0);
    auto drive = dir.open("image");
    const auto write_all = [&] {
      bool good = true;
      for (size_t at = 0; at < twin.size(); at += 5120) {
        const auto part = std::span(twin).subspan(at, std::min<size_t>(5120, twin.size() - at));
        std::fill(part.begin(), part.end(), static_cast<u8>(at >> 9 | 1));
        good = drive->write(at, part) && good;
        if (at % 51200 == 0) good = drive->flush() && good;
      }
      return drive->flush() && good;
    };
    {
      const FileSizeLimit limit(room << 10);
      CHECK_FALSE(write_all());
      CHECK(has(drive->error(), "cannot be written"));
    }
    CHECK(dir.qemu_img("check -U image") % 3 == 0);  // 3: clusters that nobody uses
    REQUIRE(write_all());
    CHECK(all_of(*drive) == twin);
    drive.reset();
    CHECK(dir.qemu_img("check image") % 3 == 0);
    CHECK(all_of(*dir.open("image")) == twin);
  }
}

TEST_CASE("qcow2: tables that overlap, or counters that call them free -> corrupt, not written") {
  if (!have_qemu_img()) return;
  // By cluster: header, refcount table, refcount block, L1 table.
  const auto spoiled = [](u64 offset, const std::vector<u8>& bytes) {
    Images dir;
    REQUIRE(dir.qemu_img("create -f qcow2 image 1M") == 0);
    patch(dir.path("image"), offset, bytes);
    const auto before = dir.contents("image");
    auto drive = Drive::open({.file = dir.path("image")});
    const std::string error = !drive                                     ? drive.error()
                              : (*drive)->write(0, std::vector<u8>(512)) ? ""
                                                                         : (*drive)->error();
    CHECK(dir.contents("image") == before);
    return error;
  };
  CHECK(has(spoiled(0x10008, {0, 0, 0, 0, 0, 2, 0, 0}), "corrupt (refcount table)"));
  CHECK(has(spoiled(0x30000, {0, 0, 0, 0, 0, 2, 0, 0}), "corrupt (L1 table)"));
  CHECK(has(spoiled(40, {0, 0, 0, 0, 0, 2, 0, 0}), "corrupt (place of the L1 table)"));
  CHECK(has(spoiled(0x20002, {0, 0}), "corrupt (refcount of a table)"));
}
