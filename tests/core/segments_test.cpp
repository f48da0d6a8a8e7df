// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

namespace {

/// What loading `seg` with `sel` raises: vector << 16 | error, or 0.
u32 fault_of_load(M& m, Seg seg, u16 sel) {
  try {
    load_segment(m.cpu, seg, {sel});
  } catch (const Fault& f) {
    return static_cast<u32>(f.vector) << 16 | f.error;
  }
  return 0;
}

constexpr u32 kGp = 13u << 16, kSsFault = 12u << 16, kNp = 11u << 16;

}  // namespace

TEST_CASE("load SS: null, wrong RPL, code, read-only, absent -> #GP(0), #GP, #GP, #GP, #SS") {
  M m;
  m.protected_system({});
  CHECK(fault_of_load(m, kSs, 0) == kGp);
  CHECK(fault_of_load(m, kSs, M::kData0 | 3) == (kGp | M::kData0));
  CHECK(fault_of_load(m, kSs, M::kCode0) == (kGp | M::kCode0));
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, 0x91, 0xC));
  CHECK(fault_of_load(m, kSs, M::kFree) == (kGp | M::kFree));
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, 0x13, 0xC));
  CHECK(fault_of_load(m, kSs, M::kFree) == (kSsFault | M::kFree));
  CHECK(fault_of_load(m, kSs, 0xFFF8) == (kGp | 0xFFF8));
}

TEST_CASE("load DS: RPL or CPL above DPL, execute-only, absent -> #GP, #GP, #NP") {
  M m;
  m.protected_system({}, 3);
  CHECK(fault_of_load(m, kDs, M::kData0) == (kGp | M::kData0));
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, 0xF9, 0xC));
  CHECK(fault_of_load(m, kDs, M::kFree | 3) == (kGp | M::kFree));
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, 0x73, 0xC));
  CHECK(fault_of_load(m, kDs, M::kFree | 3) == (kNp | M::kFree));
  CHECK(fault_of_load(m, kDs, 3) == 0);
  CHECK_FALSE(m.cpu.state.seg[kDs].usable);
}

TEST_CASE("load DS: conforming readable code below CPL -> allowed") {
  M m;
  m.protected_system({}, 3);
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, 0x9F, 0xC));
  CHECK(fault_of_load(m, kDs, M::kFree) == 0);
}

TEST_CASE("load DS: not accessed yet -> the A bit is set in memory") {
  M m;
  m.protected_system({});
  m.gdt(M::kFree, M::segment(0x1000, 0xFFF, 0x92, 0x4));
  CHECK(fault_of_load(m, kDs, M::kFree) == 0);
  CHECK((m.gdt(M::kFree) & bit(40)) != 0);
  CHECK(m.cpu.state.seg[kDs].base == 0x1000);
  CHECK(m.cpu.state.seg[kDs].limit == 0xFFF);
}

TEST_CASE("expand-down data: below the limit -> #GP, above -> allowed") {
  M m;
  m.protected_system({0x8A, 0x01, 0x8A, 0x01});  // mov al,[ecx]
  m.gdt(M::kFree, M::segment(0, 0x0FFF, 0x97, 0x4));
  load_segment(m.cpu, kDs, {M::kFree});
  m.reg(kRcx) = 0x1000;
  m.step();
  CHECK(m.rip() == M::kCode + 2);
  m.reg(kRcx) = 0xFFF;
  m.step();
  CHECK(m.rip() == m.handler(13));
}

TEST_CASE("long mode: null SS at CPL 0 -> allowed with RPL 0, refused with RPL 3") {
  M m;
  m.long_system({});
  CHECK(fault_of_load(m, kSs, 3) == kGp);
  CHECK(fault_of_load(m, kSs, 0) == 0);
}

TEST_CASE("LDT: selector with TI before LLDT -> #GP, after -> loads") {
  M m;
  m.protected_system({});
  CHECK(fault_of_load(m, kDs, 0xC) == (kGp | 0xC));
  m.gdt(M::kLdtSel, M::segment(0x6000, 0xF, 0x82, 0));
  m.memory.write<u64>({0x6008}, M::segment(0x777000, 0xF, 0x93, 0));
  load_ldt(m.cpu, {M::kLdtSel});
  CHECK(fault_of_load(m, kDs, 0xC) == 0);
  CHECK(m.cpu.state.seg[kDs].base == 0x777000);
  CHECK(fault_of_load(m, kDs, 0x14) == (kGp | 0x14));
}

TEST_CASE("LTR: available TSS -> busy in memory, again -> #GP") {
  M m;
  m.protected_system({});
  load_tr(m.cpu, {M::kTss2Sel});
  CHECK((m.gdt(M::kTss2Sel) >> 40 & 0xF) == 11);
  CHECK_THROWS_AS(load_tr(m.cpu, {M::kTss2Sel}), Fault);
}

TEST_CASE("LTR: 64-bit TSS -> base from 16 bytes") {
  M m;
  m.long_system({});
  m.memory.write<u64>({M::kGdt + M::kTss2Sel + 8}, 0xFFFF8000);
  load_tr(m.cpu, {M::kTss2Sel});
  CHECK(m.cpu.state.seg[kTr].base == 0xFFFF800000000000 + M::kTss2);
}

TEST_CASE("real mode: segment load -> base only, the limit of protected mode stays") {
  M m;
  m.protected_system({});
  write_cr0(m.cpu, m.cpu.state.cr0 & ~cr0::PE);
  load_segment(m.cpu, kDs, {0x1234});
  CHECK(m.cpu.state.seg[kDs].base == 0x12340);
  CHECK(m.cpu.state.seg[kDs].limit == 0xFFFFFFFF);
}

TEST_CASE("LAR and LSL: visible descriptor -> rights, limit, ZF; system gate -> ZF clear") {
  M m;
  m.protected_system({0x0F, 0x02, 0xC1, 0x0F, 0x03, 0xD1, 0x0F, 0x02, 0xC1}, 3);
  m.reg(kRcx) = M::kData3 | 3;
  m.step();
  CHECK(m.reg(kRax) == 0x00CFF300);
  CHECK(m.cpu.state.has(flag::ZF));
  m.step();
  CHECK(m.reg(kRdx) == 0xFFFFFFFF);
  m.reg(kRcx) = M::kCode0;
  m.step();
  CHECK_FALSE(m.cpu.state.has(flag::ZF));
}

TEST_CASE("VERW: code -> ZF clear; VERR of readable code -> ZF set") {
  M m;
  m.protected_system({0x0F, 0x00, 0xE9, 0x0F, 0x00, 0xE1});
  m.reg(kRcx) = M::kCode0;
  m.step();
  CHECK_FALSE(m.cpu.state.has(flag::ZF));
  m.step();
  CHECK(m.cpu.state.has(flag::ZF));
}

TEST_CASE("ARPL: lower RPL -> raised with ZF") {
  M m;
  m.protected_system({0x63, 0xC8});  // arpl ax,cx
  m.reg(kRax) = 0x10;
  m.reg(kRcx) = 3;
  m.step();
  CHECK(m.reg(kRax) == 0x13);
  CHECK(m.cpu.state.has(flag::ZF));
}

TEST_CASE("PUSH and POP FS in 64-bit mode: 8 bytes of stack, selector comes back") {
  M m;
  m.long_system({0x0F, 0xA0, 0x0F, 0xA9});  // push fs; pop gs
  load_segment(m.cpu, kFs, {M::kData0});
  m.step();
  CHECK(m.reg(kRsp) == M::kStack - 8);
  m.step();
  CHECK(m.reg(kRsp) == M::kStack);
  CHECK(m.sel(kGs) == M::kData0);
}

TEST_CASE("LSS: far pointer -> SS and ESP together") {
  M m;
  m.protected_system({0x0F, 0xB2, 0x25, 0x00, 0x00, 0x05, 0x00});
  m.memory.write<u32>({0x50000}, 0x12340);
  m.memory.write<u16>({0x50004}, M::kData0);
  m.step();
  CHECK(m.reg(kRsp) == 0x12340);
  CHECK(m.sel(kSs) == M::kData0);
}
