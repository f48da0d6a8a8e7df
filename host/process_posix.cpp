// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "host/process.h"

namespace ring3 {

Pipe::Pipe() {
  int ends[2];
  if (pipe(ends) != 0) throw std::bad_alloc();
  read_end_ = ends[0];
  write_end_ = ends[1];
  fcntl(read_end_, F_SETFD, FD_CLOEXEC);
  fcntl(write_end_, F_SETFD, FD_CLOEXEC);
}

Pipe::~Pipe() {
  close_read();
  close_write();
}

void Pipe::close_read() {
  if (read_end_ >= 0) close(std::exchange(read_end_, -1));
}

void Pipe::close_write() {
  if (write_end_ >= 0) close(std::exchange(write_end_, -1));
}

bool Pipe::write(std::span<const u8> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(write_end_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return true;
}

bool Pipe::read(std::span<u8> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::read(read_end_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return true;
}

int copy_process() { return fork(); }

int wait_for_process(int number) {
  int status = 0;
  while (waitpid(number, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void end_process(int status) { _exit(status); }

}  // namespace ring3
