// SPDX-License-Identifier: MIT
// The target `images`: a file of fuzzed bytes as a disk image, opened as the program opens it, then
// reads, writes, discards, flushes and reopening. Input: flags, number of operations, operations of
// eight bytes, the file. Its backing file can be the file "201" beside it; the file itself is
// "200".
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "base/bits.h"
#include "devices/block/drive.h"
#include "tests/fuzz/target.h"

namespace ring3::fuzz {
namespace {

constexpr int kImageFd = 200, kBackingFd = 201;
constexpr u64 kLargestFile = u64{64} << 20;
constexpr size_t kMostOps = 64, kMostBytes = 0x4'0000;
enum Flags : u8 { kWritable = 1, kRaw = 2, kQcow2 = 4, kSnapshot = 8, kFullDisk = 16 };

/// Files in memory at fixed handles; writes past kLargestFile fail as on a full disk.
void set_up() {
  static const bool done = [] {
    signal(SIGXFSZ, SIG_IGN);
    setenv("TMPDIR", "/dev/shm", 1);
    for (const int fd : {kImageFd, kBackingFd}) {
      const int made = memfd_create("image", MFD_CLOEXEC);
      if (dup2(made, fd) != fd) std::abort();
      close(made);
    }
    return true;
  }();
  static_cast<void>(done);
}

/// As long as it lives. The driver writes files too.
struct FileLimit {
  explicit FileLimit(u64 bytes) { set(bytes); }
  ~FileLimit() { set(RLIM_INFINITY); }
  FileLimit(const FileLimit&) = delete;
  static void set(u64 bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
};

void fill(int fd, std::span<const u8> bytes) {
  if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes.data(), bytes.size(), 0) < 0) std::abort();
}

std::unique_ptr<Drive> open(u8 flags) {
  DriveOptions options;
  options.file = "/proc/self/fd/" + std::to_string(kImageFd);
  options.read_only = !(flags & kWritable);
  options.snapshot = flags & kSnapshot;
  options.discard = true;
  options.format = flags & kRaw     ? ImageFormat::Raw
                   : flags & kQcow2 ? ImageFormat::Qcow2
                                    : ImageFormat::Probe;
  auto drive = Drive::open(options);
  return drive ? std::move(*drive) : nullptr;
}

/// Kind, shift of the offset, sectors, offset in sectors: 1, 1, 2, 4 bytes.
void run_op(std::unique_ptr<Drive>& drive, u8 flags, std::span<const u8> op) {
  const u64 sectors = drive->size() / kSectorSize;
  const u64 first = (u64{load<u32>(&op[4])} << (op[1] & 31)) % sectors;
  const u64 count = std::min<u64>(load<u16>(&op[2]) % (kMostBytes / kSectorSize), sectors - first);
  std::vector<u8> bytes(count * kSectorSize, op[4]);
  switch (op[0] % 5) {
    case 0:
      return void(drive->read(first * kSectorSize, bytes));
    case 1:
      return void(drive->write(first * kSectorSize, bytes));
    case 2:
      return void(drive->discard(first * kSectorSize, bytes.size()));
    case 3:
      return void(drive->flush());
    default:
      drive.reset();
      drive = open(flags);
  }
}

}  // namespace

void run_input(std::span<const u8> input, Start) {
  if (input.size() < 2) return;
  set_up();
  const u8 flags = input[0];
  const size_t ops = std::min<size_t>(input[1] % (kMostOps + 1), (input.size() - 2) / 8);
  const auto file = input.subspan(2 + 8 * ops);
  fill(kImageFd, file);
  fill(kBackingFd, file.first(std::min<size_t>(file.size(), 1536)));
  // A full disk: what is there can be changed, and some more.
  const FileLimit limit(flags & kFullDisk ? file.size() + 1024 : kLargestFile);
  std::unique_ptr<Drive> drive = open(flags);
  for (size_t i = 0; drive && i < ops; ++i) run_op(drive, flags, input.subspan(2 + 8 * i, 8));
}

}  // namespace ring3::fuzz
