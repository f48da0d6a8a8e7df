// SPDX-License-Identifier: MIT
// Supervisor code has the place of its TLB in it as if SMAP held: with AC set, and while nothing is
// filled, that may only cost time.
#include "system_pair.h"

namespace ring3 {
namespace {

constexpr u64 kTable = 0x50000, kUserPage = 0x600000, kOwnPage = 0x51000;

/// Each turn, counted down in esi, has its RFLAGS and its address in a table.
void walk_table(M& m, std::initializer_list<std::pair<u64, u64>> turns) {
  on_user_page(m);
  // again: mov rdi, [rbp+rsi*8+0x100]; push [rbp+rsi*8]; popf; mov rax, [rdi]; add [rdi+8], rbx;
  // lea rdx, [rdx+rax]; dec esi; jnz again; hlt
  m.put(M::kCode,
        {0x48, 0x8B, 0xBC, 0xF5, 0, 1,    0,    0,    0xFF, 0x74, 0xF5, 0,    0x9D, 0x48, 0x8B,
         0x07, 0x48, 1,    0x5F, 8, 0x48, 0x8D, 0x14, 0x02, 0xFF, 0xCE, 0x75, 0xE4, 0xF4});
  u64 at = kTable + 8 * turns.size();
  for (const auto& [flags, address] : turns) {
    m.memory.write<u64>({at}, flags);
    m.memory.write<u64>({at + 0x100}, address);
    at -= 8;
  }
  m.memory.write<u64>({kUserPage}, 0x123);
  m.memory.write<u64>({kOwnPage}, 0x10000);
  m.reg(kRsp) = M::kStack;
  m.reg(kRbp) = kTable;
  m.reg(kRbx) = 7;
  m.reg(kRdx) = 0;
  m.reg(kRsi) = turns.size();
}

constexpr u64 kOff = 2, kOn = 2 | flag::AC;

}  // namespace

TEST_CASE("jit views: AC set after translation -> user pages are found, and denied without it") {
  const u64 end = run_both([](M& m) {
    walk_table(m, {{kOff, kOwnPage},
                   {kOff, kOwnPage},
                   {kOn, kUserPage},
                   {kOn, kOwnPage},
                   {kOn, kUserPage},
                   {kOff, kOwnPage},
                   {kOff, kUserPage}});
  });
  CHECK(end == M::kHandler + 14 * 16 + 1);
}

TEST_CASE("jit views: code translated with AC set -> denied without it") {
  const u64 end = run_both([](M& m) {
    walk_table(m, {{kOn, kUserPage}, {kOn, kUserPage}, {kOff, kOwnPage}, {kOff, kUserPage}});
  });
  CHECK(end == M::kHandler + 14 * 16 + 1);
}

TEST_CASE("jit views: accesses counted after translation -> each is seen") {
  M m;
  translate(m);
  walk_table(m, {{kOff, kOwnPage}, {kOff, kOwnPage}, {kOff, kOwnPage}, {kOff, kOwnPage}});
  m.cpu.update_mode();
  m.run(1000);
  m.cpu.mmu.count_accesses(true);
  m.cpu.state.activity = CpuState::Activity::Active;
  m.cpu.state.rip() = M::kCode;
  m.reg(kRsi) = 4;
  m.run(1000);
  CHECK(m.cpu.mmu.accesses({kOwnPage}) >= 8);
  CHECK(m.reg(kRdx) == 8 * 0x10000);
}

}  // namespace ring3
