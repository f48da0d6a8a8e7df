// SPDX-License-Identifier: MIT
// Rows, forms and cases that are not compared with silicon, each with its reason (skips.def).
#pragma once

#include <optional>
#include <string_view>

#include "tests/silicon/state.h"

namespace ring3::silicon {

/// Why no form of a mnemonic is run; empty if it is.
std::string_view skipped_row(ZydisMnemonic mnemonic);
/// Why this form of a row that is run is not.
std::string_view skipped_form(const Decode& d);

}  // namespace ring3::silicon
