// SPDX-License-Identifier: MIT
#include "tools/state_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/print.h"

namespace ring3 {

Status StateLog::attach(Pc& board, const Options& options) {
  if (options.hash_file.empty()) return success();
  file_.reset(std::fopen(options.hash_file.c_str(), "w"));
  if (!file_)
    return Error{fmt::format("-state-hash {}: cannot be written: {}; give another file",
                             options.hash_file, std::strerror(errno))};
  board.on_instructions(options.hash_every, [this, &board](u64 instructions) {
    print_to(file_.get(), "{} {:016x}\n", instructions, board.state_hash());
  });
  return success();
}

}  // namespace ring3
