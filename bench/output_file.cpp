// SPDX-License-Identifier: MIT
#include "bench/output_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace ring3::bench {

OutputFile::~OutputFile() {
  if (made_) std::remove(path_.c_str());
}

Status OutputFile::open(const std::string& path) {
  if (path.empty()) return success();
  std::error_code ignored;
  const bool new_file = !std::filesystem::exists(path, ignored);
  std::FILE* file = std::fopen(path.c_str(), "a");
  if (!file)
    return Error{fmt::format("{} {}: cannot be written: {}; give another file", option_, path,
                             std::strerror(errno))};
  std::fclose(file);
  path_ = path;
  made_ = new_file;
  return success();
}

Status OutputFile::write(const std::string& text) {
  if (!wanted()) return success();
  made_ = false;
  std::FILE* file = std::fopen(path_.c_str(), "w");
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file && std::fclose(file) == 0 && written) return success();
  return Error{fmt::format("{} {}: cannot be written: {}; give another file", option_, path_,
                           std::strerror(errno))};
}

}  // namespace ring3::bench
