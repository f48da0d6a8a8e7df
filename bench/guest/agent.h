// SPDX-License-Identifier: MIT
// The guest's first process: mounts file systems and runs what the serial line asks for.
#pragma once

// Reads lines "PROGRAM ARGUMENTS" from the console, runs each, and says "bench: exit STATUS".
// "poweroff" ends the guest. Returns only on an error.
int agent(void);
