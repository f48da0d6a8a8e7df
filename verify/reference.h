// SPDX-License-Identifier: MIT
// The interpreter as `-accel verify` runs it: it also knows which arithmetic flags are undefined by
// the manual at the present point of the guest's course.
#pragma once

#include "core/engine_base.h"

namespace ring3::verify {

class Reference final : public BlockEngine {
 public:
  using BlockEngine::BlockEngine;

  std::string_view name() const override { return "interp"; }
  Exit run(Cpu& cpu, u64 deadline) override {
    return run_blocks(cpu, deadline, [this](Cpu& c) { run_block(c); });
  }

  /// Arithmetic flags that may hold anything.
  u64 undefined() const { return undefined_; }
  /// From here on the other engine has the same flags, also those it stored. `several`: more than
  /// one block may run until the next comparison, so what POPF or IRET load may stem from a flag
  /// that was undefined when it was stored.
  void agreed(bool several) {
    undefined_ = 0;
    several_ = several;
  }

 private:
  /// What a block does to the set: (set & kept) | added. In Block::native, which is the engine's.
  struct Effect {
    u16 kept = 0xFFFF, added = 0;
    u16 inside = 0;      ///< undefined at some place of the block: where a fault may end it
    bool loads = false;  ///< POPF, IRET, ...: flags from memory or a register
  };
  void run_block(Cpu& cpu);
  Effect effect_of(const Cpu& cpu, Block& block);
  Effect compute(const Cpu& cpu, const Block& block) const;

  Decoder decoder_;
  u64 undefined_ = 0;
  bool several_ = false;
};

}  // namespace ring3::verify
