// SPDX-License-Identifier: MIT
// The coverage table: every mnemonic with its row, what is compared with silicon, what is not and
// why. Generated, never edited.
#pragma once

#include <string>

namespace ring3::silicon {

std::string coverage_table();

}  // namespace ring3::silicon
