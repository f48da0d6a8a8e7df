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

/// Exceptions end the run.
inline void halt_in_handlers(M& m) {
  for (unsigned v = 0; v < 32; ++v) m.put(M::kHandler + v * 16, {0xF4});
}

/// 64-bit ring 0 with SMAP, the stack in a user page at 6 MiB.
inline void on_user_page(M& m) {
  m.long_system({});
  m.memory.write<u64>({M::kTables + 0x2000}, 0x83);
  m.cpu.state.cr4 |= cr4::SMAP;
  m.cpu.mmu.set_cr4(m.cpu.state.cr4);
  m.cpu.mmu.flush_all();
  halt_in_handlers(m);
  m.idt64(14, M::kCode0, M::kHandler + 14 * 16, 0x8E, 1);  // a stack of its own
  m.memory.write<u64>({M::kTss + 0x24}, M::kKernelStack);
  m.reg(kRsp) = 0x600800;
  m.cpu.state.rflags = flag::kFixed;
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
