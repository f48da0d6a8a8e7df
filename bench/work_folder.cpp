// SPDX-License-Identifier: MIT
#include "bench/work_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ring3::bench {

Result<std::unique_ptr<WorkFolder>> WorkFolder::make(u64 bytes) {
  std::error_code bad;
  const bool memory =
      access("/dev/shm", W_OK) == 0 && std::filesystem::space("/dev/shm", bad).available >= bytes;
  const auto parent = memory ? "/dev/shm" : std::filesystem::temp_directory_path(bad);
  std::string name = (parent / "ring3-bench-XXXXXX").string();
  if (!mkdtemp(name.data()))
    return Error{fmt::format("{}: no folder for files: {}", name, std::strerror(errno))};
  auto folder = std::make_unique<WorkFolder>();
  folder->path_ = name;
  return folder;
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ring3::bench
