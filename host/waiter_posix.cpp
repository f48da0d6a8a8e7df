// SPDX-License-Identifier: MIT
// POSIX: poll over a self-pipe, which works on every Unix.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <new>
#include <vector>

#include "host/waiter.h"

namespace ring3 {

Waiter::Waiter() {
  int ends[2];
  if (pipe(ends) != 0) throw std::bad_alloc();
  for (int fd : ends) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
}

Waiter::~Waiter() {
  close(read_end_);
  close(write_end_);
}

void Waiter::wait(u64 nanoseconds, std::span<const int> handles) {
  std::vector<pollfd> fds{{read_end_, POLLIN, 0}};
  for (int handle : handles) {
    if (handle >= 0) fds.push_back({handle, POLLIN, 0});
  }
  constexpr u64 kLongest = 3600'000'000'000;  // an early return is allowed
  const u64 time = std::min(nanoseconds, kLongest);
  const timespec limit{static_cast<time_t>(time / 1'000'000'000),
                       static_cast<long>(time % 1'000'000'000)};
#ifdef __linux__
  ppoll(fds.data(), fds.size(), &limit, nullptr);
#else
  poll(fds.data(), fds.size(), static_cast<int>((time + 999'999) / 1'000'000));
#endif
  u8 drained[64];
  while (read(read_end_, drained, sizeof drained) > 0) {
  }
}

void Waiter::wake() {
  const int saved = errno;
  const u8 byte = 0;
  [[maybe_unused]] const ssize_t n = write(write_end_, &byte, 1);  // full: a wake is pending
  errno = saved;
}

u64 host_monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<u64>(t.tv_sec) * 1'000'000'000 + static_cast<u64>(t.tv_nsec);
}

}  // namespace ring3
