// SPDX-License-Identifier: MIT
// Linux: pread and pwrite, open file description locks, hole punching.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "host/disk_file.h"

namespace ring3 {
namespace {

Error failure(std::string_view what) { return {fmt::format("{}: {}", what, std::strerror(errno))}; }

// One byte for each right: at kHeld + n by who uses it, at kRefused + n by who lets no other use
// it.
constexpr off_t kHeld = 100, kRefused = 200;
enum Right : unsigned { kConsistentRead = 0, kWrite = 1, kResize = 3 };

bool take_shared_lock(int fd, off_t byte) {
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  // File systems without locks have none to conflict with.
  return fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

bool locked_by_another(int fd, off_t byte) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/// Many readers or one writer. Locks first and looks then, so that of two at most one goes on.
bool lock_image(int fd, bool writable) {
  const auto for_rights = [](bool write, auto&& check) {
    bool good = check(kConsistentRead);
    if (write) good = check(kWrite) && check(kResize) && good;
    return good;
  };
  const bool locked = for_rights(
      writable, [&](unsigned right) { return take_shared_lock(fd, kHeld + off_t{right}); });
  const bool refuses =
      take_shared_lock(fd, kRefused + kWrite) && take_shared_lock(fd, kRefused + kResize);
  const bool allowed = for_rights(
      writable, [&](unsigned right) { return !locked_by_another(fd, kRefused + off_t{right}); });
  return locked && refuses && allowed && !locked_by_another(fd, kHeld + kWrite) &&
         !locked_by_another(fd, kHeld + kResize);
}

Result<u64> size_of(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return failure("cannot be examined");
  if (S_ISDIR(info.st_mode)) return Error{"is a directory, not a disk image"};
  if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode))
    return Error{"is neither a file nor a block device"};
  const off_t end = lseek(fd, 0, SEEK_END);
  if (end < 0) return failure("has no size");
  return static_cast<u64>(end);
}

}  // namespace

Result<std::unique_ptr<DiskFile>> DiskFile::open(const std::string& path, bool writable) {
  // A file size limit (ulimit -f) is a failed write, as a full disk is.
  signal(SIGXFSZ, SIG_IGN);
  // Non-blocking, so that a pipe is refused and not waited for.
  const int fd = ::open(path.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == EISDIR) return Error{"is a directory, not a disk image"};
  if (fd < 0 && writable && (errno == EACCES || errno == EROFS || errno == EPERM))
    return Error{
        fmt::format("cannot be written: {}; give readonly=on or -snapshot", std::strerror(errno))};
  if (fd < 0) return failure("cannot be opened");
  std::unique_ptr<DiskFile> file(new DiskFile(fd, writable, 0));
  const auto size = size_of(fd);
  if (!size) return Error{size.error()};
  file->size_ = *size;
  if (!lock_image(fd, writable))
    return Error{
        fmt::format("is in use by another program or drive{}; stop that one or work on a "
                    "copy",
                    writable ? "" : " that writes to it")};
  return file;
}

Result<std::unique_ptr<DiskFile>> DiskFile::temporary() {
  signal(SIGXFSZ, SIG_IGN);
  const char* directory = std::getenv("TMPDIR");
  std::string name = fmt::format("{}/ring3-XXXXXX", directory ? directory : "/var/tmp");
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0)
    return Error{fmt::format("no temporary file {}: {}; point TMPDIR to a directory with room",
                             name, std::strerror(errno))};
  unlink(name.c_str());
  return std::unique_ptr<DiskFile>(new DiskFile(fd, true, 0));
}

DiskFile::~DiskFile() { close(fd_); }

Status DiskFile::read(u64 offset, std::span<u8> out) const {
  while (!out.empty()) {
    const ssize_t n = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("cannot be read");
    if (n == 0) {
      std::fill(out.begin(), out.end(), u8{0});
      break;
    }
    offset += static_cast<u64>(n);
    out = out.subspan(static_cast<size_t>(n));
  }
  return success();
}

Status DiskFile::write(u64 offset, std::span<const u8> in) {
  while (!in.empty()) {
    const ssize_t n = pwrite(fd_, in.data(), in.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failure("cannot be written");
    offset += static_cast<u64>(n);
    in = in.subspan(static_cast<size_t>(n));
    size_ = std::max(size_, offset);
  }
  return success();
}

Status DiskFile::sync() {
  if (writable_ && fdatasync(fd_) != 0) return failure("cannot be flushed");
  return success();
}

Status DiskFile::punch(u64 offset, u64 length) {
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (fallocate(fd_, mode, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0 ||
      errno == EOPNOTSUPP || errno == ENODEV || errno == ENOSYS || errno == EINVAL)
    return success();
  return failure("cannot be discarded");
}

Status DiskFile::resize(u64 size) {
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return failure("cannot be resized");
  size_ = size;
  return success();
}

}  // namespace ring3
