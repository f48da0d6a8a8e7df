// SPDX-License-Identifier: MIT
// What `ring3 blocks` shows, from the JSON of block_file.h: guest block, treatment, host code.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/options.h"

namespace ring3 {

/// A view of the blocks that `wanted` selects, as text or JSON. Throws nlohmann::json::exception if
/// the JSON is not what blocks_json made.
std::string block_report(const nlohmann::ordered_json& blocks, const BlockReport& wanted);

/// The same of a file that -blocks wrote. Error: cannot be read, or is none.
Result<std::string> block_report_of_file(const std::string& path, const BlockReport& wanted);

}  // namespace ring3
