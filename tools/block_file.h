// SPDX-License-Identifier: MIT
// The blocks of a profile as JSON: what `-blocks FILE` writes and `ring3 blocks` shows.
#pragma once

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "jit/summary.h"
#include "tools/options.h"

namespace ring3 {

/// {"summary": ..., "blocks": [hottest first]}; each block with its instructions, their classes,
/// treatments and host code.
nlohmann::ordered_json blocks_json(const Profile& profile, const Summary& summary, size_t top);

/// An error, before the run, if `-blocks FILE` cannot be written. An old file keeps its contents.
Status check_blocks_file(const Options& options);
/// Writes what the options ask for.
Status write_blocks(const Profile& profile, const Summary& summary, const Options& options);

}  // namespace ring3
