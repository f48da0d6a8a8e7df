// SPDX-License-Identifier: MIT
// A folder for the files of one run, in memory where the host has such a place; gone with the
// object.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "base/types.h"

namespace ring3::bench {

class WorkFolder {
 public:
  /// `bytes`: space that the files need.
  static Result<std::unique_ptr<WorkFolder>> make(u64 bytes);
  ~WorkFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace ring3::bench
