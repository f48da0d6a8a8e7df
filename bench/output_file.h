// SPDX-License-Identifier: MIT
// A file that is opened before a long run, so that a bad name is told at once, and written after
// it.
#pragma once

#include <string>

#include "base/result.h"

namespace ring3::bench {

class OutputFile {
 public:
  explicit OutputFile(std::string option) : option_(std::move(option)) {}
  ~OutputFile();  ///< removes what open() made if nothing was written
  OutputFile(const OutputFile&) = delete;

  /// An empty path: no file is wanted. What it holds stays until write().
  Status open(const std::string& path);
  Status write(const std::string& text);
  bool wanted() const { return !path_.empty(); }

 private:
  std::string option_, path_;
  bool made_ = false;
};

}  // namespace ring3::bench
