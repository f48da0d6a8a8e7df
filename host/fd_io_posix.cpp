// SPDX-License-Identifier: MIT
// POSIX: read, write and poll. SIGPIPE and SIGXFSZ are ignored from the first sink on.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "host/fd_io.h"

namespace ring3 {
namespace {

constexpr size_t kBuffer = 4096;

bool readable(int fd) {
  pollfd p{fd, POLLIN, 0};
  return poll(&p, 1, 0) > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL));
}

void wait_writable(int fd) {
  pollfd p{fd, POLLOUT, 0};
  poll(&p, 1, -1);
}

class FileSink final : public ByteSink {
 public:
  FileSink(int fd, const std::string& path) : fd_(fd), sink_(fd, path) {}
  ~FileSink() override {
    sink_.flush();
    close(fd_);
  }
  void put(u8 byte) override { sink_.put(byte); }
  void flush() override { sink_.flush(); }
  std::string error() const override { return sink_.error(); }

 private:
  int fd_;
  FdSink sink_;
};

}  // namespace

FdSink::FdSink(int fd, std::string what) : fd_(fd), what_(std::move(what)) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  buffer_.reserve(kBuffer);
}

void FdSink::put(u8 byte) {
  buffer_.push_back(byte);
  if (buffer_.size() >= kBuffer) write_out();
}

void FdSink::flush() {
  if (!buffer_.empty()) write_out();
}

void FdSink::write_out() {
  size_t done = 0;
  while (error_.empty() && done < buffer_.size()) {
    const ssize_t n = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n >= 0) {
      done += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_writable(fd_);
    } else if (errno != EINTR) {
      error_ = fmt::format("{}: cannot write: {}", what_, std::strerror(errno));
    }
  }
  buffer_.clear();
}

FdSource::FdSource(int fd) : fd_(fd) { ended_ = fcntl(fd, F_GETFD) < 0; }

size_t FdSource::take(std::span<u8> out) {
  if (ended_ || out.empty() || !readable(fd_)) return 0;
  const ssize_t n = ::read(fd_, out.data(), out.size());
  if (n > 0) return static_cast<size_t>(n);
  ended_ = n == 0 || (errno != EAGAIN && errno != EINTR);
  return 0;
}

Result<std::unique_ptr<ByteSink>> open_file_sink(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return Error{fmt::format("{}: cannot write: {}", path, std::strerror(errno))};
  return std::unique_ptr<ByteSink>(std::make_unique<FileSink>(fd, path));
}

}  // namespace ring3
