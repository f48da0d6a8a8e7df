// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "tests/core/system_machine.h"

using namespace ring3;

TEST_CASE("interpreter: real-mode loop -> counts and halts") {
  BareMachine m;
  // mov cx,10; xor ax,ax; l: add ax,cx; loop l; hlt
  m.real_mode({0xB9, 10, 0, 0x31, 0xC0, 0x01, 0xC8, 0xE2, 0xFC, 0xF4});
  CHECK(m.run() == Exit::Halted);
  CHECK((m.reg(kRax) & 0xFFFF) == 55);
  CHECK(m.cpu.state.instructions == 2 + 20 + 1);
}

TEST_CASE("interpreter: 64-bit rip-relative store and load -> the value comes back") {
  BareMachine m;
  // mov rax,1122334455667788h; mov [rip+1000h],rax; mov rbx,[rip+0ff9h]; hlt
  m.long_mode({0x48, 0xB8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x48, 0x89, 0x05,
               0x00, 0x10, 0,    0,    0x48, 0x8B, 0x1D, 0xF9, 0x0F, 0,    0,    0xF4});
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRbx) == 0x1122334455667788);
}

TEST_CASE("interpreter: a block overwrites its own next instruction -> the new one runs") {
  BareMachine m;
  // mov byte [rip+2],41h is C6 05 disp32 imm8; the overwritten inc eax (FF C0) becomes inc ecx.
  m.long_mode({0x31, 0xC0, 0x31, 0xC9, 0xC6, 0x05, 0x01, 0, 0, 0, 0xC1, 0xFF, 0xC0, 0xF4});
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 0);
  CHECK(m.reg(kRcx) == 1);
  CHECK(m.cpu.state.instructions == 5);
}

TEST_CASE("interpreter: an instruction across two pages -> runs, and again after a rewrite") {
  BareMachine m;
  m.long_mode({0xF4});
  m.put(0x10FFE, {0xB8, 1, 0, 0, 0, 0xF4});  // mov eax,1; hlt
  m.cpu.state.rip() = 0x10FFE;
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 1);
  m.put(0x11000, {2});  // the immediate's second byte
  m.cpu.state.rip() = 0x10FFE;
  m.cpu.state.activity = CpuState::Activity::Active;
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 0x201);
}

TEST_CASE("interpreter: 32-bit write -> the upper half is cleared") {
  BareMachine m;
  m.long_mode({0x48, 0x83, 0xC8, 0xFF, 0x83, 0xC0, 0x01, 0xF4});  // or rax,-1; add eax,1; hlt
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 0);
  CHECK(m.cpu.state.has(flag::CF));
  CHECK(m.cpu.state.has(flag::ZF));
}

TEST_CASE("interpreter: REP MOVSB over itself -> goes byte by byte upwards") {
  BareMachine m;
  m.long_mode({0xF3, 0xA4, 0xF4});
  m.put(0x30000, {0xAB});
  m.reg(kRsi) = 0x30000;
  m.reg(kRdi) = 0x30001;
  m.reg(kRcx) = 5000;
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRcx) == 0);
  CHECK(m.reg(kRdi) == 0x30001 + 5000);
  CHECK(m.memory.read<u8>({0x30000 + 5000}) == 0xAB);
}

TEST_CASE("interpreter: a handler that faults itself, for ever -> the deadline is reached") {
  SystemMachine m;
  m.protected_system({0x0F, 0x0B});
  m.put(m.handler(6), {0x0F, 0x0B});
  CHECK(m.run(1000) == Exit::Deadline);
}

TEST_CASE("interpreter: no handler for a fault -> shutdown") {
  BareMachine m;
  m.long_mode({0x0F, 0x0B});
  CHECK(m.run() == Exit::Shutdown);
}

TEST_CASE("interpreter: a handler that faults for ever on its IST stack -> the deadline comes") {
  SystemMachine m;
  m.long_system({0x0F, 0x0B});  // ud2, and its handler is another
  m.idt64(6, SystemMachine::kCode0, m.handler(6), 0x8E, 1);
  m.memory.write<u64>({SystemMachine::kTss + 36}, SystemMachine::kKernelStack);
  m.put(m.handler(6), {0x0F, 0x0B});
  CHECK(m.run(1000) == Exit::Deadline);
  CHECK(m.cpu.state.instructions >= 1000);
}

TEST_CASE("interpreter: ROM in place of RAM -> the ROM's code runs, not the blocks of the RAM") {
  BareMachine m;
  m.real_mode({0xB8, 1, 0, 0xF4});  // mov ax,1; hlt
  CHECK(m.run() == Exit::Halted);
  const u8 rom[] = {0xB8, 2, 0, 0xF4};
  m.memory.add_rom({0x8000}, rom);
  m.cpu.state.rip() = 0x8000;
  m.cpu.state.activity = CpuState::Activity::Active;
  CHECK(m.run() == Exit::Halted);
  CHECK(m.cpu.reg<u16>(8 * kRax) == 2);
}

TEST_CASE("interpreter: a string instruction at the top of 4 GiB -> its slices come back to it") {
  BareMachine m;
  m.protected_mode({0xF4});
  u8 rom[kPageSize] = {};
  rom[kPageSize - 2] = 0xF3;  // rep stosb
  rom[kPageSize - 1] = 0xAA;
  m.memory.add_rom({0xFFFFF000}, rom);
  m.put(0, {0xF4});  // behind it, eip has wrapped
  m.cpu.state.rip() = 0xFFFFFFFE;
  m.reg(kRdi) = 0x100000;
  m.reg(kRcx) = 10000;
  CHECK(m.run(1) == Exit::Deadline);
  CHECK(m.cpu.state.rip() == 0xFFFFFFFE);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRcx) == 0);
}
