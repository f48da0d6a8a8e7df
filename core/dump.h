// SPDX-License-Identifier: MIT
// Readable state: the register dump of -d cpu, of triple faults and of internal errors.
#pragma once

#include <string>

#include "core/cpu.h"
#include "decoder/block.h"

namespace ring3 {

/// Registers, segments, control registers, in QEMU's `info registers` order.
std::string dump_registers(const Cpu& cpu);

/// The dump plus the instruction at rip and the last blocks run.
std::string dump_machine(Cpu& cpu);

/// -d exec and -d cpu; also remembers the block for dump_machine.
void trace_block(Cpu& cpu, const Block& block);

}  // namespace ring3
