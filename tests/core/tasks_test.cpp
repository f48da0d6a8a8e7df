// SPDX-License-Identifier: MIT
#include <array>
#include <catch2/catch.hpp>

#include "core/debug.h"
#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

namespace {

constexpr u32 kNewEip = 0x60000, kNewEsp = 0x26000;

/// A runnable 32-bit task in the second TSS.
void fill_task(M& m) {
  m.memory.write<u32>({M::kTss2 + 32}, kNewEip);
  m.memory.write<u32>({M::kTss2 + 36}, 2);
  m.memory.write<u32>({M::kTss2 + 40}, 0xAAAA5555);
  m.memory.write<u32>({M::kTss2 + 56}, kNewEsp);
  const u16 selectors[] = {M::kData0, M::kCode0, M::kData0, M::kData0, 0, 0};
  for (u32 n = 0; n < 6; ++n) m.memory.write<u16>({M::kTss2 + 72 + n * 4}, selectors[n]);
  m.memory.write<u16>({M::kTss2 + 0x66}, 0x68);
}

u8 type_of(M& m, u16 sel) { return m.gdt(sel) >> 40 & 0xF; }

}  // namespace

TEST_CASE("task switch: far JMP to a TSS -> state saved and loaded, busy bits move") {
  M m;
  m.protected_system({0xEA, 0, 0, 0, 0, M::kTss2Sel, 0});
  fill_task(m);
  m.reg(kRbx) = 0x1234;
  m.step();
  CHECK(m.rip() == kNewEip);
  CHECK(m.reg(kRsp) == kNewEsp);
  CHECK(m.reg(kRax) == 0xAAAA5555);
  CHECK(type_of(m, M::kTssSel) == 9);
  CHECK(type_of(m, M::kTss2Sel) == 11);
  CHECK(m.memory.read<u32>({M::kTss + 32}) == M::kCode + 7);
  CHECK(m.memory.read<u32>({M::kTss + 52}) == 0x1234);
  CHECK((m.cpu.state.cr0 & cr0::TS) != 0);
  CHECK_FALSE(m.cpu.state.has(flag::NT));
  CHECK(m.sel(kTr) == M::kTss2Sel);
}

TEST_CASE("task switch: far CALL and IRET -> link, NT, and back") {
  M m;
  m.protected_system({0x9A, 0, 0, 0, 0, M::kTss2Sel, 0, 0xF4});
  fill_task(m);
  m.put(kNewEip, {0xCF});
  m.step();
  CHECK(m.memory.read<u16>({M::kTss2}) == M::kTssSel);
  CHECK(m.cpu.state.has(flag::NT));
  CHECK(type_of(m, M::kTssSel) == 11);
  m.step();
  CHECK(m.rip() == M::kCode + 7);
  CHECK(type_of(m, M::kTss2Sel) == 9);
  CHECK_FALSE(m.cpu.state.has(flag::NT));
  CHECK(m.sel(kTr) == M::kTssSel);
}

TEST_CASE("task gate: exception with error code -> new task with the code on its stack") {
  M m;
  m.protected_system({0x8E, 0xD9});  // mov ds,cx
  fill_task(m);
  m.idt(13, M::gate(M::kTss2Sel, 0, 0x85));
  m.reg(kRcx) = 0xFFF8;
  m.step();
  CHECK(m.rip() == kNewEip);
  CHECK(m.reg(kRsp) == kNewEsp - 4);
  CHECK(m.stack32(0) == 0xFFF8);
  CHECK(m.memory.read<u32>({M::kTss + 32}) == M::kCode);
  CHECK((m.memory.read<u32>({M::kTss + 36}) & flag::RF) != 0);
}

TEST_CASE("task switch: busy TSS, short TSS -> #GP, #TS in the old task") {
  M m;
  m.protected_system({0xEA, 0, 0, 0, 0, M::kTssSel, 0});
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack32(0) == M::kTssSel);
  m.protected_system({0xEA, 0, 0, 0, 0, M::kTss2Sel, 0});
  m.gdt(M::kTss2Sel, M::segment(M::kTss2, 0x66, M::kTss32, 0));
  m.step();
  CHECK(m.rip() == m.handler(10));
  CHECK(m.sel(kTr) == M::kTssSel);
}

TEST_CASE("task switch: bad data segment in the new task -> #TS(selector) in the new task") {
  M m;
  m.protected_system({0xEA, 0, 0, 0, 0, M::kTss2Sel, 0});
  fill_task(m);
  m.memory.write<u16>({M::kTss2 + 84}, 0x7F8);
  m.step();
  CHECK(m.rip() == m.handler(10));
  CHECK(m.sel(kTr) == M::kTss2Sel);
  CHECK(m.stack32(0) == 0x7F8);
  CHECK(m.stack32(1) == kNewEip);
}

TEST_CASE("task switch: T bit -> #DB with BT before the first instruction") {
  M m;
  m.protected_system({0xEA, 0, 0, 0, 0, M::kTss2Sel, 0});
  fill_task(m);
  m.memory.write<u16>({M::kTss2 + 100}, 1);
  m.put(m.handler(1), {0xF4});
  CHECK(m.run() == Exit::Halted);
  CHECK(m.stack32(0) == kNewEip);
  CHECK((m.cpu.state.dr[6] & dr6::BT) != 0);
}

TEST_CASE("task switch: 16-bit TSS -> 16-bit registers, FS and GS null") {
  M m;
  m.protected_system({0xEA, 0, 0, 0, 0, M::kTss2Sel, 0});
  m.gdt(M::kTss2Sel, M::segment(M::kTss2, 0x2B, M::kTss16, 0));
  m.memory.write<u16>({M::kTss2 + 14}, 0x6000);
  m.memory.write<u16>({M::kTss2 + 16}, 2);
  m.memory.write<u16>({M::kTss2 + 26}, 0x5000);
  const u16 selectors[] = {M::kData0, M::kCode0, M::kData0, M::kData0};
  for (u32 n = 0; n < 4; ++n) m.memory.write<u16>({M::kTss2 + 34 + n * 2}, selectors[n]);
  m.step();
  CHECK(m.rip() == 0x6000);
  CHECK((m.reg(kRsp) & 0xFFFF) == 0x5000);
  CHECK(m.sel(kFs) == 0);
  CHECK(type_of(m, M::kTss2Sel) == 3);
}

TEST_CASE("task gate: handler tasks in a GDT in ROM that fault without end -> shutdown") {
  M m;
  m.protected_system({0xEA, 0, 0, 0, 0, M::kTss2Sel, 0});
  fill_task(m);
  m.memory.write<u16>({M::kTss2 + 72 + 4 * kSs}, 0);  // a null SS: #TS in the new task
  m.idt(10, M::gate(M::kTss2Sel, 0, 0x85));
  std::array<u8, kPageSize> gdt;
  m.memory.read({M::kGdt}, gdt);
  m.memory.add_rom({0x200000}, gdt);
  m.cpu.state.gdtr.base = 0x200000;
  CHECK(m.run() == Exit::Shutdown);
}
