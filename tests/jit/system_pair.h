// SPDX-License-Identifier: MIT
// Two machines with descriptor tables, one under each engine: the translator must end where the
// interpreter does.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>

#include "jit/jit.h"
#include "tests/core/system_machine.h"

namespace ring3 {

using M = SystemMachine;

inline void translate(M& m) {
  JitOptions options;
  options.threshold = 0;
  options.cache_bytes = 256 << 10;
  m.engine.reset();
  m.engine = std::move(*make_jit(m.cpu, options));
}

/// f(machine) prepares an interpreting and a translating one, twice; both run, and end where this
/// says.
template <class F>
u64 run_both(F&& f, u64 limit = 10000) {
  M a, b;
  translate(b);
  for (int round = 0; round < 2; ++round) {
    for (M* m : {&a, &b}) {
      f(*m);
      m->cpu.update_mode();
    }
    REQUIRE(a.run(limit) == b.run(limit));
    for (unsigned r = 0; r < 18; ++r) {
      INFO("register " << r);
      REQUIRE(a.cpu.state.gpr[r] == b.cpu.state.gpr[r]);
    }
    REQUIRE(a.cpu.state.cr2 == b.cpu.state.cr2);
    REQUIRE(a.cpu.state.instructions == b.cpu.state.instructions);
    REQUIRE(std::ranges::equal(a.memory.ram().first(1 << 20), b.memory.ram().first(1 << 20)));
    REQUIRE(std::ranges::equal(a.memory.ram().subspan(0x600000, 0x10000),
                               b.memory.ram().subspan(0x600000, 0x10000)));
  }
  return a.rip();
}

}  // namespace ring3
