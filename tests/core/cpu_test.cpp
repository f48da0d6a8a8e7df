// SPDX-License-Identifier: MIT
// The memory path off the fast way: alignment, breakpoints, wrap-around.
#include "core/cpu.h"

#include <catch2/catch.hpp>

#include "core/debug.h"
#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

namespace {

constexpr u64 kData = 0x60000, kHigh = 0x1'0000'0000, kHighAt = 0x20'0000;

/// Runs one instruction with [ebx] at kData + `offset` in ring 3 with alignment checks.
bool aligned(std::initializer_list<u8> code, u64 offset) {
  M m;
  m.protected_system(code, 3);
  m.put(m.handler(17), {0xF4});
  m.cpu.state.cr0 |= cr0::AM;
  m.cpu.set_rflags(flag::kFixed | flag::AC);
  m.reg(kRbx) = kData + offset;
  m.step();
  return m.rip() == M::kCode + code.size();
}

/// 4 GiB and up show physical memory from 2 MiB on.
void map_high(M& m) {
  m.memory.write<u64>({M::kTables + 0x1000 + 8 * 4}, (M::kTables + 0x4000) | 7);
  m.memory.write<u64>({M::kTables + 0x4000}, kHighAt | 0x87);
}

}  // namespace

TEST_CASE("alignment check: read-modify-write of a word -> at even addresses only") {
  CHECK(aligned({0x66, 0xFF, 0x03}, 2));  // inc word [ebx]
  CHECK_FALSE(aligned({0x66, 0xFF, 0x03}, 1));
  CHECK_FALSE(aligned({0xF0, 0x66, 0xFF, 0x03}, 1));
}

TEST_CASE("alignment check: double extended-precision real -> 8 bytes") {
  CHECK(aligned({0xDB, 0x2B}, 8));  // fld tbyte [ebx]
  CHECK_FALSE(aligned({0xDB, 0x2B}, 4));
}

TEST_CASE("alignment check: x87 environment and save area -> 4 or 2 bytes by operand size") {
  CHECK(aligned({0xD9, 0x33}, 28));  // fnstenv [ebx]
  CHECK_FALSE(aligned({0xD9, 0x33}, 2));
  CHECK(aligned({0x66, 0xD9, 0x33}, 14));
  CHECK_FALSE(aligned({0x66, 0xD9, 0x33}, 1));
  CHECK(aligned({0xDD, 0x33}, 12));  // fnsave [ebx]
  CHECK_FALSE(aligned({0xDD, 0x33}, 2));
}

TEST_CASE("data breakpoint: read-modify-write -> #DB after it") {
  M m;
  m.protected_system({0xFF, 0x03, 0x40});  // inc dword [ebx]; inc eax
  m.put(m.handler(1), {0xF4});
  m.reg(kRbx) = kData;
  m.cpu.state.dr[0] = kData;
  m.cpu.state.dr[7] = dr7::kFixed | 0xD0002;  // G0, 4 bytes, writes
  m.cpu.update_mode();
  CHECK(m.run() == Exit::Halted);
  CHECK(m.stack32(0) == M::kCode + 2);
  CHECK((m.cpu.state.dr[6] & 15) == 1);
  CHECK(m.memory.read<u32>({kData}) == 1);
}

TEST_CASE("data breakpoint: inside an FXSAVE area -> #DB after it") {
  M m;
  m.long_system({0x0F, 0xAE, 0x03, 0x90});  // fxsave [rbx]
  m.put(m.handler(1), {0xF4});
  m.reg(kRbx) = kData;
  m.cpu.state.dr[0] = kData + 160;
  m.cpu.state.dr[7] = dr7::kFixed | 0xD0002;
  m.cpu.update_mode();
  CHECK(m.run() == Exit::Halted);
  CHECK((m.cpu.state.dr[6] & 15) == 1);
}

TEST_CASE("data breakpoint: at the last bytes of the address space -> matches") {
  M m;
  m.long_system({});
  m.cpu.state.dr[0] = ~u64{3};
  m.cpu.state.dr[7] = dr7::kFixed | 0xD0002;
  note_data_access(m.cpu, ~u64{3}, 4, Access::Write);
  CHECK(m.cpu.pending_dr6 == 1);
  m.cpu.pending_dr6 = 0;
  note_data_access(m.cpu, ~u64{7}, 4, Access::Write);
  CHECK(m.cpu.pending_dr6 == 0);
}

TEST_CASE("compatibility mode: a descriptor across pages above 4 GiB -> whole") {
  M m;
  m.long_system({0x8E, 0xD8, 0xF4});  // mov ds,eax
  map_high(m);
  m.cpu.state.seg[kCs].l = false;
  m.cpu.state.seg[kCs].db = true;
  m.cpu.state.gdtr.base = kHigh + 0x6FF4;
  m.memory.write<u64>({kHighAt + 0x6FFC}, M::segment(0x12345678, 0xFFFFF, M::kDataAccess, 0xC));
  m.reg(kRax) = 8;
  m.cpu.update_mode();
  CHECK(m.run() == Exit::Halted);
  CHECK(m.cpu.state.seg[kDs].base == 0x12345678);
}

TEST_CASE("string: 32-bit address size in 64-bit mode -> offsets wrap inside a page of FS") {
  M m;
  m.long_system({0x67, 0x64, 0xF3, 0xA4, 0xF4});  // rep movsb es:[edi],fs:[esi]
  map_high(m);
  m.cpu.state.seg[kFs].base = 0x30800;
  m.cpu.update_mode();
  m.put(0x30800, {0xBB});
  m.put(kHighAt + 0x30800, {0xAA});
  m.reg(kRsi) = 0xFFFF'FF00;
  m.reg(kRdi) = kData;
  m.reg(kRcx) = 0x101;
  (void)m.cpu.read<u8>(kFs, 0xFFFF'FF00);
  (void)m.cpu.read<u8>(kFs, 0);
  m.cpu.write<u8>(kEs, kData, 0);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRsi) == 1);
  CHECK(m.memory.read<u8>({kData + 0x100}) == 0xBB);
}
