// SPDX-License-Identifier: MIT
// The start states that loaders ask for.
#include "tools/entry.h"

#include <catch2/catch.hpp>

#include "bios/flat_mode.h"
#include "tests/core/bare_machine.h"
#include "tools/guest_loader.h"

namespace ring3 {
namespace {

TEST_CASE("enter: Real16 -> bases from selectors, 64 KiB limits, paging off") {
  BareMachine m;
  EntryState entry;
  entry.mode = EntryMode::Real16;
  entry.cs = 0x1020;
  entry.ds = 0x1000;
  entry.rip = 0x10;
  entry.rsp = 0x9000;
  enter(m.cpu, entry);
  CHECK(m.cpu.state.mode == CpuMode::Real);
  CHECK(m.cpu.state.seg[kCs].base == 0x10200);
  CHECK(m.cpu.state.seg[kSs].base == 0x10000);
  CHECK(m.cpu.state.seg[kDs].limit == 0xFFFF);
  CHECK(m.cpu.state.rip() == 0x10);
  CHECK(m.cpu.state.gpr[kRsp] == 0x9000);
  CHECK_FALSE(m.cpu.state.has(flag::IF));
}

TEST_CASE("enter: Protected32 -> flat segments that the boot GDT describes") {
  BareMachine m;
  EntryState entry = enter_protected32(load_target(m.memory));
  entry.rip = 0x100000;
  enter(m.cpu, entry);
  CHECK(m.cpu.state.mode == CpuMode::Protected);
  CHECK(m.cpu.state.cpl == 0);
  CHECK(m.cpu.state.seg[kCs].flat_read);
  CHECK(m.cpu.state.seg[kSs].flat_write);
  CHECK(m.cpu.state.seg[kCs].selector == kBootCs);
  CHECK(m.cpu.state.gdtr.limit == entry.gdt_limit);
  load_segment(m.cpu, kEs, Selector{kBootDs});
  CHECK(m.cpu.state.seg[kEs].limit == 0xFFFFFFFF);
}

TEST_CASE("enter: Long64 -> 64-bit code runs from identity-mapped memory") {
  BareMachine m;
  EntryState entry = enter_long64(load_target(m.memory));
  entry.rip = 0x100000;
  entry.rsi = 0x1000;
  m.put(0x100000, {0x48, 0xFF, 0xC6, 0xF4});  // inc rsi; hlt
  enter(m.cpu, entry);
  CHECK(m.cpu.state.mode == CpuMode::Long64);
  CHECK(m.engine->run(m.cpu, 10) == Exit::Halted);
  CHECK(m.cpu.state.gpr[kRsi] == 0x1001);
}

}  // namespace
}  // namespace ring3
