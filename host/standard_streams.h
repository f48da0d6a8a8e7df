// SPDX-License-Identifier: MIT
// Standard input, output and error, which whoever starts us may have closed.
#pragma once

namespace ring3 {

/// Opens the null device for each closed one, so that no file of ours takes its number.
void open_missing_streams();

}  // namespace ring3
