// SPDX-License-Identifier: MIT
// Linux tools/perf/Documentation/jit-interface.txt: lines "START SIZE name", in hexadecimal.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/print.h"
#include "host/perf_map.h"

namespace ring3 {
namespace {

class PerfMapFile final : public PerfMap {
 public:
  explicit PerfMapFile(std::FILE* file) : file_(file) {}
  ~PerfMapFile() override { std::fclose(file_); }
  void add(const u8* code, size_t bytes, std::string_view name) override {
    print_to(file_, "{:x} {:x} {}\n", reinterpret_cast<u64>(code), bytes, name);
  }

 private:
  std::FILE* file_;
};

}  // namespace

Result<std::unique_ptr<PerfMap>> PerfMap::create() {
  const std::string path = fmt::format("/tmp/perf-{}.map", getpid());
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  std::FILE* file = fd < 0 ? nullptr : fdopen(fd, "w");
  if (file) return std::unique_ptr<PerfMap>(std::make_unique<PerfMapFile>(file));
  const Error error{fmt::format("-perf-map: {}: {}", path, std::strerror(errno))};
  if (fd >= 0) close(fd);
  return error;
}

}  // namespace ring3
