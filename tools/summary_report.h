// SPDX-License-Identifier: MIT
// The sums of a profile as JSON, and that JSON as text: instructions by treatment, the hottest
// callouts.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "jit/summary.h"

namespace ring3 {

nlohmann::ordered_json summary_json(const Summary& summary);

/// Of what summary_json made; throws nlohmann::json::exception for anything else. Empty if nothing
/// was translated or interpreted by the translator.
std::string summary_text(const nlohmann::ordered_json& summary, size_t callouts = 10);

}  // namespace ring3
