// SPDX-License-Identifier: MIT
// The monitor's x, xp and print: formats and values as in QEMU's monitor.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"
#include "core/cpu.h"

namespace ring3 {

/// "/FORMAT VALUE": FORMAT is a count, then one of x d u o c i, then a size b h w g.
Result<nlohmann::ordered_json> dump_memory(const Cpu& cpu, std::string_view what, bool physical);
Result<nlohmann::ordered_json> print_value(const Cpu& cpu, std::string_view what);

/// Numbers, $registers, + - * and parentheses. Error: what is wrong.
Result<u64> evaluate(const Cpu& cpu, std::string_view expression);

}  // namespace ring3
