// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include <new>

#include "host/wake_pipe.h"

namespace ring3 {

WakePipe::WakePipe() {
  int ends[2];
  if (pipe(ends) != 0) throw std::bad_alloc();
  for (const int fd : ends) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
}

WakePipe::~WakePipe() {
  close(read_end_);
  close(write_end_);
}

void WakePipe::wake() {
  const char byte = 0;
  [[maybe_unused]] const ssize_t n = write(write_end_, &byte, 1);  // full: a wake is pending
}

void WakePipe::drain() {
  char drained[64];
  while (read(read_end_, drained, sizeof drained) > 0) {
  }
}

}  // namespace ring3
