// SPDX-License-Identifier: MIT
// x87: pending exceptions, withheld stores, environment layouts, last-instruction pointers.
#include <catch2/catch.hpp>
#include <cstring>

#include "core/x87_environment.h"
#include "tests/core/simd_machine.h"

using namespace ring3;

namespace {

constexpr u64 kData = 0x30000;

u16 read16(SimdMachine& m, u64 at) { return m.memory.read<u16>({at}); }
u32 read32(SimdMachine& m, u64 at) { return m.memory.read<u32>({at}); }

/// fld1, fldz, then the bytes given, with rbx at the data.
void after_two_loads(SimdMachine& m, std::vector<u8> bytes) {
  std::vector<u8> code = {0xD9, 0xE8, 0xD9, 0xEE};
  code.insert(code.end(), bytes.begin(), bytes.end());
  m.code(code);
  m.reg(kRbx) = kData;
}

}  // namespace

TEST_CASE("x87: unmasked divide by zero -> the next waiting instruction raises #MF") {
  SimdMachine m;
  after_two_loads(m, {});
  fpu::set<u16>(m.fpu(), fpu::kFcw, 0x37B);
  m.step(2);
  m.code({0xDC, 0xF9});  // fdiv st1, st0: 1 / 0
  CHECK_FALSE(m.fault());
  CHECK((fpu::fsw(m.fpu()) & (fpu::kZe | fpu::kEs)) == (fpu::kZe | fpu::kEs));
  m.code({0xDF, 0xE0});  // fnstsw ax does not wait
  CHECK_FALSE(m.fault());
  CHECK((m.reg(kRax) & fpu::kEs) != 0);
  m.code({0xD9, 0xE8});
  CHECK(m.fault() == Vector::MF);
  m.code({0x9B});
  CHECK(m.fault() == Vector::MF);
  m.code({0x0F, 0xFC, 0xC0});  // paddb mm0, mm0
  CHECK(m.fault() == Vector::MF);
  m.code({0xDB, 0xE2});  // fnclex
  CHECK_FALSE(m.fault());
  m.code({0x9B});
  CHECK_FALSE(m.fault());
}

TEST_CASE("x87: store from an empty register, #IA unmasked -> memory and TOP kept") {
  SimdMachine m;
  m.code({0xD9, 0x1B});  // fstp dword [rbx]
  m.reg(kRbx) = kData;
  m.memory.write<u32>({kData}, 0x12345678);
  fpu::set<u16>(m.fpu(), fpu::kFcw, 0x37E);
  m.step();
  CHECK(read32(m, kData) == 0x12345678);
  CHECK(fpu::top(m.fpu()) == 0);
  CHECK((fpu::fsw(m.fpu()) & (fpu::kIe | fpu::kSf)) == (fpu::kIe | fpu::kSf));
}

TEST_CASE("x87: inexact store with PE unmasked -> the value is written all the same") {
  SimdMachine m;
  m.code({0xD9, 0xEB, 0xD9, 0x1B});  // fldpi; fstp dword [rbx]
  m.reg(kRbx) = kData;
  fpu::set<u16>(m.fpu(), fpu::kFcw, 0x35F);
  m.step(2);
  CHECK(read32(m, kData) == 0x40490FDB);
  CHECK(fpu::exception_pending(m.fpu()));
}

TEST_CASE("x87: store that faults -> nothing is popped") {
  SimdMachine m;
  m.code({0xDD, 0x1B});  // fstp qword [rbx]
  m.reg(kRbx) = 0x40000000;
  fpu::set<u8>(m.fpu(), fpu::kFtw, 1);
  CHECK(m.fault() == Vector::PF);
  CHECK(fpu::top(m.fpu()) == 0);
  CHECK(fpu::get<u8>(m.fpu(), fpu::kFtw) == 1);
}

TEST_CASE("FNSTENV: 32-bit layout in 64-bit mode -> tags, pointers, opcode, then all masked") {
  SimdMachine m;
  after_two_loads(m, {0xD8, 0x03, 0xD9, 0x73, 0x40});  // fadd dword [rbx]; fnstenv [rbx+40h]
  fpu::set<u16>(m.fpu(), fpu::kFcw, 0x340);
  m.step(4);
  const u64 env = kData + 0x40;
  CHECK(read32(m, env) == 0xFFFF0340);
  CHECK(read32(m, env + 4) == (0xFFFF0000u | 6u << 11));
  CHECK(read32(m, env + 8) == 0xFFFF1FFF);  // R7 valid (1), R6 zero, the others empty
  CHECK(read32(m, env + 12) == BareMachine::kCode + 4);
  CHECK(read32(m, env + 16) == 0x003u << 16);  // D8 03, no FCS
  CHECK(read32(m, env + 20) == kData);
  CHECK(read32(m, env + 24) == 0xFFFF0000);
  CHECK(fpu::fcw(m.fpu()) == 0x37F);
}

TEST_CASE("FNSTENV: protected mode -> FCS and FDS stand beside the offsets") {
  SimdMachine m;
  m.protected_code({0xD9, 0x03, 0xD9, 0x73, 0x40, 0x66, 0xD9, 0x73, 0x60});
  m.reg(kRbx) = kData;
  m.step(3);  // fld dword [ebx]; fnstenv [ebx+40h]; with 66h: 14 bytes
  CHECK(read32(m, kData + 0x4C) == BareMachine::kCode);
  CHECK(read32(m, kData + 0x50) == (0x103u << 16 | 8));
  CHECK(read32(m, kData + 0x54) == kData);
  CHECK(read32(m, kData + 0x58) == 0xFFFF0010);
  CHECK(read16(m, kData + 0x68) == 8);
  CHECK(read16(m, kData + 0x6C) == 0x10);
  CHECK(read16(m, kData + 0x6E) == 0);
}

TEST_CASE("FNSTENV: real mode, 16 bits -> 20-bit addresses and the opcode") {
  BareMachine m;
  m.real_mode({0xD9, 0x07, 0xD9, 0x77, 0x40});  // fld dword [bx]; fnstenv [bx+40h]
  load_real_segment(m.cpu, kDs, 0x2000);
  m.cpu.update_mode();
  m.reg(kRbx) = 0x100;
  m.step(2);
  CHECK(m.memory.read<u16>({0x20146}) == 0x8000);
  CHECK(m.memory.read<u16>({0x20148}) == 0x107);
  CHECK(m.memory.read<u16>({0x2014A}) == 0x0100);
  CHECK(m.memory.read<u16>({0x2014C}) == 0x2000);
}

TEST_CASE("FNSAVE and FRSTOR: state goes out, is initialized, and comes back") {
  SimdMachine m;
  after_two_loads(m, {0xDD, 0x33});  // fnsave [rbx]
  m.step(2);
  const FpuState before = m.fpu();
  m.step();
  CHECK(fpu::fcw(m.fpu()) == 0x37F);
  CHECK(fpu::fsw(m.fpu()) == 0);
  CHECK(fpu::get<u8>(m.fpu(), fpu::kFtw) == 0);
  CHECK(m.memory.read<u64>({kData + 28 + 10}) == 0x8000000000000000);
  m.code({0xDD, 0x23});  // frstor [rbx]
  CHECK_FALSE(m.fault());
  CHECK(std::memcmp(m.fpu().image, before.image, 24) == 0);
  CHECK(std::memcmp(m.fpu().image + fpu::kSt, before.image + fpu::kSt, 128) == 0);
}

TEST_CASE("FLDENV: an exception flag without its mask -> pending at the next instruction") {
  SimdMachine m;
  m.code({0xD9, 0x23});  // fldenv [rbx]
  m.reg(kRbx) = kData;
  m.memory.write<u32>({kData}, 0x37B);
  m.memory.write<u32>({kData + 4}, fpu::kZe);
  m.memory.write<u32>({kData + 8}, 0xFFFF);
  CHECK_FALSE(m.fault());
  CHECK(fpu::fsw(m.fpu()) == (fpu::kZe | fpu::kEs | fpu::kBusy));
  m.code({0xD9, 0xE8});
  CHECK(m.fault() == Vector::MF);
}

TEST_CASE("FLDCW: unmasks a flag that is set -> ES") {
  SimdMachine m;
  m.code({0xD9, 0x2B});  // fldcw [rbx]
  m.reg(kRbx) = kData;
  m.memory.write<u16>({kData}, 0x37B);
  fpu::set<u16>(m.fpu(), fpu::kFsw, fpu::kZe);
  fpu::set<u64>(m.fpu(), fpu::kFip, 0x1234);
  CHECK_FALSE(m.fault());
  CHECK((fpu::fsw(m.fpu()) & fpu::kEs) != 0);
  CHECK(fpu::get<u64>(m.fpu(), fpu::kFip) == 0x1234);
}

TEST_CASE("FWAIT: CR0.TS alone -> runs; with CR0.MP -> #NM") {
  SimdMachine m;
  m.code({0x9B});
  m.cpu.state.cr0 |= cr0::TS;
  CHECK_FALSE(m.fault());
  m.cpu.state.cr0 |= cr0::MP;
  CHECK(m.fault() == Vector::NM);
}
