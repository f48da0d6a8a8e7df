// SPDX-License-Identifier: MIT
// An engine runs a cpu: interp, jit or kvm, over the same board (DESIGN "Engines").
#pragma once

#include <memory>
#include <string_view>

#include "core/cpu.h"

namespace ring3 {

/// Why Engine::run returned.
enum class Exit : u8 {
  Deadline,  ///< state.instructions reached the deadline
  Halted,    ///< HLT with nothing pending: the machine waits for the next event
  Shutdown,  ///< triple fault
  Signal,    ///< kSignalReset, kSignalStop or kSignalEvents was set
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string_view name() const = 0;
  /// Runs until state.instructions >= deadline (to a block boundary) or something else needs the
  /// machine.
  virtual Exit run(Cpu& cpu, u64 deadline) = 0;
  /// One instruction, for the monitor, gdb and tests.
  virtual void step(Cpu& cpu) = 0;
};

std::unique_ptr<Engine> make_interpreter(Cpu& cpu);

}  // namespace ring3
