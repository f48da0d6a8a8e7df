// SPDX-License-Identifier: MIT
// The exits of -stats=json by number: core/exit_counters.h is the table, numbered as VMX basic exit
// reasons (SDM 3D Appendix C).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace ring3::bench {

/// The number of a name that -stats prints; none: not one of them.
std::optional<unsigned> exit_reason_number(std::string_view name);

/// Of what KVM did without leaving to ring3, by its own counters: "KVM: pf_taken".
inline constexpr unsigned kKvmCounter = 1000;
/// Below it, the numbers are those of VMX.
inline constexpr unsigned kFirstOwnReason = 128;

/// Counts by name, of a file that -stats=json wrote or of the monitor's `info stats`.
std::map<std::string, u64> exits_of_stats_json(const std::string& text);
std::map<std::string, u64> exits_of_stats_text(std::string_view text);

}  // namespace ring3::bench
