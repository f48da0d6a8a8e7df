// SPDX-License-Identifier: MIT
// Two machines, one under each engine, started alike: the translator must end where the interpreter
// does, faults and instruction counts included.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "../core/bare_machine.h"
#include "jit/jit.h"

namespace ring3 {

class EnginePair {
 public:
  /// 4 KiB pages for data: the third is not present, the sixth read-only.
  static constexpr u64 kPages = 0x800000, kPageCount = 8, kAbsent = 3, kReadOnly = 6;

  EnginePair() {
    JitOptions options;
    options.threshold = options.extend_after = 0;
    options.cache_bytes = 1 << 20;
    b.engine.reset();
    auto jit = make_jit(b.cpu, options);
    REQUIRE(jit);
    b.engine = std::move(*jit);
  }

  BareMachine a, b;     ///< interpreted, translated
  bool bits32 = false;  ///< flat 32-bit code without paging
  u64 slice = 0;        ///< instructions between comparisons; 0: one run

  /// f(machine) prepares each; then both run. Twice: the second time translations and TLB are warm.
  template <class F>
  void run(const std::vector<u8>& code, F&& f) {
    for (int round = 0; round < 2; ++round) {
      INFO("round " << round << " code " << hex(code));
      for (BareMachine* m : {&a, &b}) {
        start(*m, code, round == 0);
        f(*m);
      }
      Exit exit = Exit::Deadline;
      for (int runs = slice ? 20 : 1; runs > 0 && exit == Exit::Deadline; --runs) {
        exit = slice ? a.run(slice) : a.run();
        REQUIRE((slice ? b.run(slice) : b.run()) == exit);
        compare();
      }
    }
  }

 private:
  static void map_pages(BareMachine& m) {
    constexpr u64 kTable = BareMachine::kTables + 0x3000;
    m.memory.write<u64>({BareMachine::kTables + 0x2000 + 8 * (kPages >> 21)}, kTable | 7);
    for (u64 n = 0; n < 512; ++n) {
      const u64 rights = n == kAbsent ? 0 : n == kReadOnly ? 5 : 7;
      m.memory.write<u64>({kTable + 8 * n}, (kPages + n * kPageSize) | rights);
    }
  }

  void start(BareMachine& m, const std::vector<u8>& code, bool first) const {
    m.cpu.state.rflags = flag::kFixed;
    m.cpu.signals = 0;
    if (first && bits32) {
      m.protected_mode({});
      m.memory.write(PhysAddr{BareMachine::kCode}, std::span<const u8>(code));
      return;
    }
    if (first) {
      m.long_mode({});
      map_pages(m);
      m.memory.write(PhysAddr{BareMachine::kCode}, std::span<const u8>(code));
      return;
    }
    m.start(BareMachine::kCode, {});
  }

  void compare() {
    for (unsigned r = 0; r < 18; ++r) {
      INFO("register " << r);
      REQUIRE(a.cpu.state.gpr[r] == b.cpu.state.gpr[r]);
    }
    REQUIRE((a.cpu.state.rflags & ~flag::AF) == (b.cpu.state.rflags & ~flag::AF));
    REQUIRE(a.cpu.state.cr2 == b.cpu.state.cr2);
    REQUIRE(a.cpu.state.instructions == b.cpu.state.instructions);
    compare_memory(0, 0x30000);
    compare_memory(kPages, 0x20000);
  }

  void compare_memory(u64 start, u64 bytes) {
    REQUIRE(std::ranges::equal(a.memory.ram().subspan(start, bytes),
                               b.memory.ram().subspan(start, bytes)));
  }

  static std::string hex(const std::vector<u8>& code) {
    std::string text;
    for (u8 byte : code) (text += "0123456789abcdef"[byte >> 4]) += "0123456789abcdef"[byte & 15];
    return text;
  }
};

}  // namespace ring3
