// SPDX-License-Identifier: MIT
#include "core/far.h"

#include <catch2/catch.hpp>

#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

TEST_CASE("far JMP: conforming code of DPL 0 from CPL 3 -> CPL stays 3") {
  M m;
  m.protected_system({0xEA, 0x00, 0x00, 0x04, 0x00, M::kFree, 0x00}, 3);
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, 0x9E, 0xC));
  m.step();
  CHECK(m.rip() == 0x40000);
  CHECK(m.sel(kCs) == (M::kFree | 3));
  CHECK(m.cpu.state.cpl == 3);
}

TEST_CASE("far JMP: nonconforming code of another DPL, beyond the limit -> #GP(sel), #GP(0)") {
  M m;
  m.protected_system({0xEA, 0x00, 0x00, 0x04, 0x00, M::kCode3, 0x00});
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack32(0) == M::kCode3);
  m.gdt(M::kCode3, M::segment(0, 0xFF, 0x9A, 0x4));
  m.protected_system({0xEA, 0x00, 0x00, 0x04, 0x00, M::kFree, 0x00});
  m.gdt(M::kFree, M::segment(0, 0xFF, 0x9A, 0x4));
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack32(0) == 0);
}

TEST_CASE("call gate: to CPL 0 with two parameters, RETF 8 -> both stacks right") {
  M m;
  m.protected_system({0x9A, 0, 0, 0, 0, M::kFree | 3, 0}, 3);
  m.gdt(M::kFree, M::gate(M::kCode0, M::kHandler, 0xEC, 2));
  m.put(M::kHandler, {0xCA, 8, 0});
  m.reg(kRsp) = M::kUserStack - 8;
  m.memory.write<u64>({M::kUserStack - 8}, 0x22222222'11111111);
  m.step();
  CHECK(m.rip() == M::kHandler);
  CHECK(m.cpu.state.cpl == 0);
  CHECK(m.reg(kRsp) == M::kKernelStack - 24);
  CHECK(m.stack32(0) == M::kCode + 7);
  CHECK(m.stack32(1) == (M::kCode3 | 3));
  CHECK(m.stack32(2) == 0x11111111);
  CHECK(m.stack32(3) == 0x22222222);
  CHECK(m.stack32(4) == M::kUserStack - 8);
  CHECK(m.stack32(5) == (M::kData3 | 3));
  load_segment(m.cpu, kEs, {M::kData0});
  m.step();
  CHECK(m.rip() == M::kCode + 7);
  CHECK(m.cpu.state.cpl == 3);
  CHECK(m.reg(kRsp) == M::kUserStack);
  CHECK(m.sel(kEs) == 0);
  CHECK(m.sel(kDs) == (M::kData3 | 3));
}

TEST_CASE("call gate: gate DPL below CPL, absent -> #GP, #NP") {
  M m;
  m.protected_system({0x9A, 0, 0, 0, 0, M::kFree | 3, 0}, 3);
  m.gdt(M::kFree, M::gate(M::kCode0, M::kHandler, 0x8C));
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack32(0) == M::kFree);
  m.protected_system({0x9A, 0, 0, 0, 0, M::kFree | 3, 0}, 3);
  m.gdt(M::kFree, M::gate(M::kCode0, M::kHandler, 0x6C));
  m.step();
  CHECK(m.rip() == m.handler(11));
}

TEST_CASE("call gate: inner SS null in the TSS -> #TS(0)") {
  M m;
  m.protected_system({0x9A, 0, 0, 0, 0, M::kFree | 3, 0}, 3);
  m.gdt(M::kFree, M::gate(M::kCode0, M::kHandler, 0xEC));
  m.idt(10, M::gate(M::kCode0, m.handler(10), 0xEE));
  m.memory.write<u16>({M::kTss + 8}, 0);
  try {
    call_system(m.cpu, {M::kFree | 3}, Descriptor{.low = m.gdt(M::kFree)});
    FAIL("no fault");
  } catch (const Fault& f) {
    CHECK(f.vector == Vector::TS);
    CHECK(f.error == 0);
  }
}

TEST_CASE("64-bit call gate: CPL 3 to 0 -> four quadwords, null SS") {
  M m;
  m.long_system({0xFF, 0x1C, 0x25, 0x00, 0x00, 0x05, 0x00}, 3);  // call far [50000h]
  m.memory.write<u32>({0x50000}, 0);
  m.memory.write<u16>({0x50004}, M::kFree | 3);
  m.gdt(M::kFree, M::gate(M::kCode0, M::kHandler, 0xEC));
  m.gdt(M::kFree + 8, 0);
  m.step();
  CHECK(m.rip() == M::kHandler);
  CHECK(m.reg(kRsp) == M::kKernelStack - 32);
  CHECK(m.stack64(0) == M::kCode + 7);
  CHECK(m.stack64(1) == (M::kCode3 | 3));
  CHECK(m.stack64(2) == M::kUserStack);
  CHECK(m.sel(kSs) == 0);
}

TEST_CASE("far RET: 64-bit to compatibility mode -> 32-bit code runs") {
  M m;
  m.long_system({0xCB, 0xCB});
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, 0x9B, 0xC));
  m.memory.write<u32>({M::kStack}, 0x40000);
  m.memory.write<u32>({M::kStack + 4}, M::kFree);
  m.step();
  CHECK(m.cpu.state.mode == CpuMode::Compatibility);
  CHECK(m.rip() == 0x40000);
  CHECK(m.reg(kRsp) == M::kStack + 8);
}

TEST_CASE("far JMP: L and D both set in long mode -> #GP(selector)") {
  M m;
  m.long_system({0xFF, 0x2C, 0x25, 0x00, 0x00, 0x05, 0x00});  // jmp far [50000h]
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, 0x9B, 0xE));
  m.memory.write<u32>({0x50000}, 0x40000);
  m.memory.write<u16>({0x50004}, M::kFree);
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack64(0) == M::kFree);
}

TEST_CASE("IRET: CPL 0 to 3 -> flags, stack, data segments above DPL dropped") {
  M m;
  m.protected_system({0xCF});
  const u32 frame[] = {0x41000, M::kCode3 | 3, 0x3202, M::kUserStack, M::kData3 | 3};
  for (u32 n = 0; n < 5; ++n) m.memory.write<u32>({M::kStack + n * 4}, frame[n]);
  m.step();
  CHECK(m.rip() == 0x41000);
  CHECK(m.cpu.state.cpl == 3);
  CHECK(m.reg(kRsp) == M::kUserStack);
  CHECK(m.cpu.state.rflags == 0x3202);
  CHECK(m.sel(kDs) == 0);
}

TEST_CASE("IRET: at CPL 3 with IOPL 0 -> IF and IOPL stay") {
  M m;
  m.protected_system({0xCF}, 3);
  m.cpu.set_rflags(flag::kFixed | flag::IF);
  const u32 frame[] = {0x41000, M::kCode3 | 3, 0x3003};
  for (u32 n = 0; n < 3; ++n) m.memory.write<u32>({M::kUserStack + n * 4}, frame[n]);
  m.step();
  CHECK(m.cpu.state.rflags == (flag::kFixed | flag::IF | flag::CF));
}

TEST_CASE("IRETD: VM in the image at CPL 0 -> virtual-8086 mode") {
  M m;
  m.protected_system({0xCF});
  const u32 frame[] = {0x8000, 0x100, 0x23202, 0x7000, 0x200, 0x300, 0x400, 0x500, 0x600};
  for (u32 n = 0; n < 9; ++n) m.memory.write<u32>({M::kStack + n * 4}, frame[n]);
  m.step();
  CHECK(m.cpu.state.mode == CpuMode::Virtual8086);
  CHECK(m.cpu.state.cpl == 3);
  CHECK(m.cpu.state.seg[kCs].base == 0x1000);
  CHECK(m.cpu.state.seg[kGs].base == 0x6000);
  CHECK(m.reg(kRsp) == 0x7000);
}

TEST_CASE("IRETQ: same level -> RSP and SS are popped") {
  M m;
  m.long_system({0x48, 0xCF});
  const u64 frame[] = {0x41000, M::kCode0, 0x202, 0x29000, 0};
  for (u64 n = 0; n < 5; ++n) m.memory.write<u64>({M::kStack + n * 8}, frame[n]);
  m.step();
  CHECK(m.rip() == 0x41000);
  CHECK(m.reg(kRsp) == 0x29000);
  CHECK(m.sel(kSs) == 0);
}

TEST_CASE("IRETQ: non-canonical RIP, NT -> #GP(0)") {
  M m;
  m.long_system({0x48, 0xCF});
  const u64 frame[] = {0x800000000000, M::kCode0, 0x202, 0x29000, 0};
  for (u64 n = 0; n < 5; ++n) m.memory.write<u64>({M::kStack + n * 8}, frame[n]);
  m.step();
  CHECK(m.rip() == m.handler(13));
  m.long_system({0x48, 0xCF});
  m.cpu.set_rflags(flag::kFixed | flag::NT);
  m.step();
  CHECK(m.rip() == m.handler(13));
}

TEST_CASE("SYSCALL and SYSRET: 64-bit -> there and back") {
  M m;
  m.long_system({0x0F, 0x05}, 3);
  m.cpu.state.star = u64{0x13} << 48 | u64{8} << 32;
  m.cpu.state.lstar = M::kHandler;
  m.cpu.state.fmask = flag::IF | flag::CF;
  m.cpu.set_rflags(flag::kFixed | flag::IF | flag::CF | flag::ZF);
  m.put(M::kHandler, {0x48, 0x0F, 0x07});
  m.step();
  CHECK(m.rip() == M::kHandler);
  CHECK(m.cpu.state.cpl == 0);
  CHECK(m.reg(kRcx) == M::kCode + 2);
  CHECK(m.cpu.state.rflags == (flag::kFixed | flag::ZF));
  CHECK(m.sel(kSs) == 0x10);
  m.step();
  CHECK(m.rip() == M::kCode + 2);
  CHECK(m.cpu.state.cpl == 3);
  CHECK(m.sel(kCs) == 0x23);
  CHECK(m.sel(kSs) == 0x1B);
  CHECK(m.cpu.state.rflags == (flag::kFixed | flag::IF | flag::CF | flag::ZF));
}

TEST_CASE("SYSRET: non-canonical RCX -> #GP(0) at CPL 0") {
  M m;
  m.long_system({0x48, 0x0F, 0x07});
  m.reg(kRcx) = 0x800000000000;
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack64(2) == M::kCode0);
}

TEST_CASE("SYSENTER and SYSEXIT: 32-bit -> flat segments from IA32_SYSENTER_CS") {
  M m;
  m.protected_system({0x0F, 0x34}, 3);
  m.cpu.state.sysenter_cs = 8;
  m.cpu.state.sysenter_esp = 0x33000;
  m.cpu.state.sysenter_eip = M::kHandler;
  m.put(M::kHandler, {0x0F, 0x35});
  m.step();
  CHECK(m.rip() == M::kHandler);
  CHECK(m.reg(kRsp) == 0x33000);
  CHECK(m.cpu.state.cpl == 0);
  m.reg(kRcx) = 0x28000;
  m.reg(kRdx) = M::kCode;
  m.step();
  CHECK(m.rip() == M::kCode);
  CHECK(m.sel(kCs) == 0x1B);
  CHECK(m.sel(kSs) == 0x23);
  CHECK(m.cpu.state.cpl == 3);
}

TEST_CASE("BOUND: index outside -> #BR") {
  M m;
  m.protected_system({0x62, 0x01, 0x62, 0x01});  // bound eax,[ecx]
  m.reg(kRcx) = 0x50000;
  m.memory.write<u32>({0x50000}, static_cast<u32>(-5));
  m.memory.write<u32>({0x50004}, 5);
  m.reg(kRax) = 0xFFFFFFFB;
  m.step();
  CHECK(m.rip() == M::kCode + 2);
  m.reg(kRax) = 6;
  m.step();
  CHECK(m.rip() == m.handler(5));
}

TEST_CASE("SYSCALL: compatibility mode -> #UD on Intel, CSTAR on AMD") {
  for (const char* model : {"max", "qemu64"}) {
    M m(model);
    m.long_system({0x0F, 0x05}, 3);
    m.cpu.state.cstar = M::kHandler + 0x1000;
    m.cpu.state.star = u64{8} << 32;
    m.cpu.state.seg[kCs].l = false;
    m.cpu.state.seg[kCs].db = true;
    m.cpu.update_mode();
    m.step();
    CHECK(m.rip() == (m.model.vendor == "AuthenticAMD" ? M::kHandler + 0x1000 : m.handler(6)));
    CHECK(m.cpu.state.long64());
  }
}
