// SPDX-License-Identifier: MIT
// Memory that the C library keeps for later.
#pragma once

namespace ring3 {

/// Gives it back to the host, after large buffers were freed. Only a hint.
void return_free_memory();

}  // namespace ring3
