// SPDX-License-Identifier: MIT
// A cpu with the same small world in every mode: code, data pages of every kind, stacks, tables,
// handlers that halt, and one NMI handler that returns. Under either engine.
#pragma once

#include <memory>
#include <string>

#include "tests/differential/program.h"
#include "verify/reference.h"
#include "verify/state.h"

namespace ring3::differential {

/// Frozen: both engines see the same time.
class NoTime final : public TimeSource {
 public:
  Nanos now() override { return 0; }
};

/// A device page: reads depend on what came before.
class Sponge final : public MmioHandler {
 public:
  u64 mmio_read(u64 offset, unsigned size) override;
  void mmio_write(u64 offset, unsigned size, u64 value) override;
  u64 state = 0;
};

class Machine {
 public:
  explicit Machine(bool translated);

  /// The state from which the program starts; equal for both machines.
  void start(const Program& program);
  Exit run(u64 instructions) { return engine->run(cpu, cpu.state.instructions + instructions); }

  static constexpr u64 kRam = u64{2} << 20;
  PhysicalMemory memory{kRam};
  NoTime time;
  EventClock clock{time};
  IoBus io;
  Mmu mmu{memory};
  CpuModel model = *CpuModel::parse("max");
  Cpu cpu{mmu, io, clock, model};
  Sponge sponge;
  std::unique_ptr<Engine> engine;
  verify::Reference* reference = nullptr;  ///< of the interpreter's machine
  std::vector<verify::Field> fields;

 private:
  void write_tables();
  void write_gates(Mode mode);
  void write_handlers(Mode mode);
  void set_segments(Mode mode);
  void set_control(Mode mode);
  void set_registers(const Program& program);
  void fill_data(const Program& program);
};

}  // namespace ring3::differential
