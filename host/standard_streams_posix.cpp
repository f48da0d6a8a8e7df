// SPDX-License-Identifier: MIT
// POSIX: open() takes the lowest free descriptor, so the loop must go upwards.
#include <fcntl.h>
#include <unistd.h>

#include "host/standard_streams.h"

namespace ring3 {

void open_missing_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) return;
}

}  // namespace ring3
