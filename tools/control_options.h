// SPDX-License-Identifier: MIT
// Values of -monitor, -qmp and -gdb: QEMU's character devices, as far as they are built.
#pragma once

#include <string_view>

#include "base/result.h"
#include "tools/options.h"

namespace ring3 {

/// "stdio", "none", "unix:PATH[,server][,nowait]", "tcp:HOST:PORT[,server][,nowait]"; server=on and
/// wait=off are the same.
Result<ControlPort> parse_control_port(std::string_view text);

/// The same but stdio; it never waits. And ",arch=i8086|i386|x86-64".
Result<ControlPort> parse_gdb_port(std::string_view text);

/// A monitor or QMP is on standard input and output.
bool takes_terminal(const Options& options);
/// Who has the terminal: at most one.
Status check_terminal(const Options& options);

}  // namespace ring3
