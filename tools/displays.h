// SPDX-License-Identifier: MIT
// The board's screen where the options want it shown.
#pragma once

#include <memory>

#include "tools/board_input.h"
#include "tools/options.h"

namespace ring3 {

/// Null if nothing is to be shown.
Result<std::unique_ptr<HostService>> open_display(Pc& board, BoardInput& input,
                                                  const Options& options);

}  // namespace ring3
