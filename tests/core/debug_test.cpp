// SPDX-License-Identifier: MIT
#include "core/debug.h"

#include <catch2/catch.hpp>

#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

TEST_CASE("single step: TF -> #DB after one instruction with DR6.BS and TF in the image") {
  M m;
  m.protected_system({0x40, 0x40});  // inc eax; inc eax
  m.put(m.handler(1), {0xF4});
  m.cpu.set_rflags(flag::kFixed | flag::TF);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 1);
  CHECK(m.stack32(0) == M::kCode + 1);
  CHECK((m.stack32(2) & (flag::TF | flag::RF)) == flag::TF);
  CHECK((m.cpu.state.dr[6] & dr6::BS) != 0);
}

TEST_CASE("single step: POPF that sets TF -> the trap comes after the next instruction") {
  M m;
  m.protected_system({0x9D, 0x40, 0x40});
  m.put(m.handler(1), {0xF4});
  m.memory.write<u32>({M::kStack}, flag::TF | 2);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.stack32(0) == M::kCode + 2);
}

TEST_CASE("single step: MOV SS -> the trap waits for one more instruction") {
  M m;
  m.protected_system({0x8E, 0xD1, 0x40, 0x40});  // mov ss,cx
  m.put(m.handler(1), {0xF4});
  m.reg(kRcx) = M::kData0;
  m.cpu.set_rflags(flag::kFixed | flag::TF);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.stack32(0) == M::kCode + 3);
}

TEST_CASE("single step: INT n with TF -> no trap inside the handler") {
  M m;
  m.protected_system({0xCD, 0x30});
  m.idt(0x30, M::gate(M::kCode0, M::kHandler, 0x8E));
  m.put(M::kHandler, {0xF4});
  m.put(m.handler(1), {0x0F, 0x0B});
  m.cpu.set_rflags(flag::kFixed | flag::TF);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.rip() == M::kHandler + 1);
}

TEST_CASE("repeated string instruction: RF alone -> not one iteration at a time") {
  M m;
  m.protected_system({0xF3, 0xAA, 0xF4});  // rep stosb
  m.reg(kRcx) = 100;
  m.reg(kRdi) = 0x50000;
  m.cpu.set_rflags(flag::kFixed | flag::RF);
  m.step(1);
  CHECK(m.reg(kRcx) == 0);
  CHECK((m.cpu.state.rflags & flag::RF) == 0);
}

TEST_CASE("RF: alone -> no single step, and gone; TF, breakpoints, a shadow or a trap -> kept") {
  M m;
  m.protected_system({0x90});
  CpuState& s = m.cpu.state;
  CHECK_FALSE(ends_resume(m.cpu));
  m.cpu.set_rflags(flag::kFixed | flag::RF | flag::CF);
  CHECK(m.cpu.signals == kSignalTrap);
  CHECK(ends_resume(m.cpu));
  CHECK(s.rflags == (flag::kFixed | flag::CF));
  CHECK(m.cpu.signals == 0);
  const auto kept = [&] {
    m.cpu.set_rflags(s.rflags | flag::RF);
    return !ends_resume(m.cpu) && s.has(flag::RF) && m.cpu.signals == kSignalTrap;
  };
  s.rflags |= flag::TF;
  CHECK(kept());
  s.rflags &= ~flag::TF;
  s.shadow = CpuState::kSsShadow;
  CHECK(kept());
  s.shadow = CpuState::kNoShadow;
  m.cpu.pending_dr6 = 1;
  CHECK(kept());
  m.cpu.pending_dr6 = 0;
  s.dr[7] |= 2;  // G0, on instructions
  CHECK(kept());
}

TEST_CASE("repeated string instruction: TF -> #DB after one iteration, RF = 1 in the image") {
  M m;
  m.protected_system({0xF3, 0xAA, 0xF4});
  m.put(m.handler(1), {0xF4});
  m.reg(kRcx) = 100;
  m.reg(kRdi) = 0x50000;
  m.cpu.set_rflags(flag::kFixed | flag::TF);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRcx) == 99);
  CHECK((m.stack32(2) & flag::RF) != 0);
}

TEST_CASE("instruction breakpoint: hit -> #DB before it with RF = 0, IRET with RF goes past it") {
  M m;
  m.protected_system({0x40, 0x40, 0xF4});
  m.put(m.handler(1), {0x80, 0x4C, 0x24, 0x0A, 0x01, 0xCF});  // or byte [esp+10],1; iret
  m.cpu.state.dr[0] = M::kCode + 1;
  m.cpu.state.dr[7] = dr7::kFixed | 2;
  m.cpu.update_flags_mode();
  m.step(2);
  CHECK(m.rip() == m.handler(1));
  CHECK(m.reg(kRax) == 1);
  CHECK(m.stack32(0) == M::kCode + 1);
  CHECK((m.stack32(2) & flag::RF) == 0);
  CHECK((m.cpu.state.dr[6] & 1) != 0);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 2);
}

TEST_CASE("data breakpoint: write -> #DB after the instruction") {
  M m;
  m.protected_system({0x89, 0x01, 0x40});  // mov [ecx],eax
  m.put(m.handler(1), {0xF4});
  m.reg(kRcx) = 0x50002;
  m.cpu.state.dr[1] = 0x50004;
  m.cpu.state.dr[7] = dr7::kFixed | 8 | 0xD00000;  // G1, write, 4 bytes
  m.cpu.update_flags_mode();
  CHECK(m.run() == Exit::Halted);
  CHECK(m.stack32(0) == M::kCode + 2);
  CHECK((m.cpu.state.dr[6] & 0xF) == 2);
}

TEST_CASE("data breakpoint: inside REP STOS -> #DB after that iteration, RF = 1 in the image") {
  M m;
  m.protected_system({0xF3, 0xAA, 0xF4});
  m.put(m.handler(1), {0xF4});
  m.reg(kRcx) = 100;
  m.reg(kRdi) = 0x50000;
  m.cpu.state.dr[0] = 0x5000A;
  m.cpu.state.dr[7] = dr7::kFixed | 2 | 0x10000;  // G0, write, 1 byte
  m.cpu.update_flags_mode();
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRcx) == 89);
  CHECK(m.stack32(0) == M::kCode);
  CHECK((m.stack32(2) & flag::RF) != 0);
}

TEST_CASE("general detect: MOV DR with GD -> #DB with BD, GD cleared") {
  M m;
  m.protected_system({0x0F, 0x21, 0xC0});
  m.cpu.state.dr[7] = dr7::kFixed | dr7::GD;
  m.step();
  CHECK(m.rip() == m.handler(1));
  CHECK(m.stack32(0) == M::kCode);
  CHECK((m.cpu.state.dr[6] & dr6::BD) != 0);
  CHECK((m.cpu.state.dr[7] & dr7::GD) == 0);
}

TEST_CASE("MOV DR4: CR4.DE -> #UD, else DR6") {
  M m;
  m.protected_system({0x0F, 0x21, 0xE0, 0x0F, 0x21, 0xE0});
  m.step();
  CHECK(m.reg(kRax) == dr6::kFixed);
  write_cr4(m.cpu, cr4::DE);
  m.step();
  CHECK(m.rip() == m.handler(6));
}

TEST_CASE("INT1: from CPL 3 -> #DB handler whatever the gate's DPL") {
  M m;
  m.protected_system({0xF1}, 3);
  m.step();
  CHECK(m.rip() == m.handler(1));
  CHECK(m.stack32(0) == M::kCode + 1);
}
