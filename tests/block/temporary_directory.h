// SPDX-License-Identifier: MIT
// A directory for the files of one test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/types.h"

namespace ring3::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "ring3-test-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(root_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;

  std::string path(const std::string& name) const { return (root_ / name).string(); }
  std::string file(const std::string& name, const std::vector<u8>& bytes) const {
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }
  std::vector<u8> contents(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path root_;
};

}  // namespace ring3::test
