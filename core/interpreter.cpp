// SPDX-License-Identifier: MIT
// The interpreter: finds the block at rip and calls its handlers one after the other. A guest fault
// is caught and taken to its handler, signals are looked at between blocks: see engine_base.h.
#include "base/log.h"
#include "core/dump.h"
#include "core/engine_base.h"

namespace ring3 {
namespace {

class Interpreter final : public BlockEngine {
 public:
  using BlockEngine::BlockEngine;

  std::string_view name() const override { return "interp"; }
  Exit run(Cpu& cpu, u64 deadline) override {
    return run_blocks(cpu, deadline, [this](Cpu& c) { run_block(c); });
  }

 private:
  void run_block(Cpu& cpu) {
    Block& block = blocks_.find(cpu);
    if (g_log_mask != 0) [[unlikely]]
      trace_block(cpu, block);
    interpret(cpu, block, 0, block.insns.size());
  }
};

}  // namespace

std::unique_ptr<Engine> make_interpreter(Cpu& cpu) { return std::make_unique<Interpreter>(cpu); }

}  // namespace ring3
