// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "core/debug.h"
#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

namespace {

class FixedApic final : public ApicPort {
 public:
  std::optional<u8> acknowledge() override { return vector; }
  u64 apic_base() const override { return 0xFEE00900; }
  bool set_apic_base(u64) override { return true; }
  u8 task_priority() const override { return tpr; }
  void set_task_priority(u8 cr8) override { tpr = cr8; }
  std::optional<u64> read_x2apic(u32) override { return std::nullopt; }
  bool write_x2apic(u32, u64) override { return false; }
  u64 tsc_deadline() const override { return 0; }
  void set_tsc_deadline(u64) override {}
  u8 vector = 0x20, tpr = 0;
};

}  // namespace

TEST_CASE("INT n: 32-bit gate, same level -> pushes EFLAGS, CS, EIP") {
  M m;
  m.protected_system({0xCD, 0x30});
  m.idt(0x30, M::gate(M::kCode0, M::kHandler, 0x8E));
  m.cpu.set_rflags(flag::kFixed | flag::IF | flag::CF);
  m.step();
  CHECK(m.rip() == M::kHandler);
  CHECK(m.reg(kRsp) == M::kStack - 12);
  CHECK(m.stack32(0) == M::kCode + 2);
  CHECK(m.stack32(1) == M::kCode0);
  CHECK(m.stack32(2) == (flag::kFixed | flag::IF | flag::CF));
  CHECK_FALSE(m.cpu.state.has(flag::IF));
}

TEST_CASE("INT n: trap gate -> IF stays") {
  M m;
  m.protected_system({0xCD, 0x30});
  m.idt(0x30, M::gate(M::kCode0, M::kHandler, 0x8F));
  m.cpu.set_rflags(flag::kFixed | flag::IF);
  m.step();
  CHECK(m.rip() == M::kHandler);
  CHECK(m.cpu.state.has(flag::IF));
}

TEST_CASE("INT n: from CPL 3 -> stack of the TSS with SS:ESP") {
  M m;
  m.protected_system({0xCD, 0x30}, 3);
  m.idt(0x30, M::gate(M::kCode0, M::kHandler, 0xEE));
  m.step();
  CHECK(m.cpu.state.cpl == 0);
  CHECK(m.sel(kCs) == M::kCode0);
  CHECK(m.sel(kSs) == M::kData0);
  CHECK(m.reg(kRsp) == M::kKernelStack - 20);
  CHECK(m.stack32(0) == M::kCode + 2);
  CHECK(m.stack32(1) == (M::kCode3 | 3));
  CHECK(m.stack32(3) == M::kUserStack);
  CHECK(m.stack32(4) == (M::kData3 | 3));
}

TEST_CASE("INT n: gate DPL below CPL -> #GP names the IDT entry without EXT, rip at INT") {
  M m;
  m.protected_system({0xCD, 0x30}, 3);
  m.idt(0x30, M::gate(M::kCode0, M::kHandler, 0x8E));
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack32(0) == (0x30u << 3 | 2));
  CHECK(m.stack32(1) == M::kCode);
  CHECK(m.stack32(3) == (flag::kFixed | flag::RF));
}

TEST_CASE("RF: INTR before the instruction that IRET goes to -> RF = 1 in the image") {
  M m;
  FixedApic apic;
  m.protected_system({0xCF, 0xF4});
  m.idt(0x20, M::gate(M::kCode0, M::kHandler, 0x8E));
  m.put(M::kHandler, {0xF4});
  m.cpu.apic = &apic;
  m.cpu.set_intr(true);
  m.reg(kRsp) -= 12;
  m.memory.write<u32>({m.reg(kRsp)}, M::kCode + 1);
  m.memory.write<u32>({m.reg(kRsp) + 4}, M::kCode0);
  m.memory.write<u32>({m.reg(kRsp) + 8}, static_cast<u32>(flag::kFixed | flag::RF | flag::IF));
  CHECK(m.run() == Exit::Halted);
  CHECK(m.stack32(0) == M::kCode + 1);
  CHECK((m.stack32(2) & flag::RF) != 0);
}

TEST_CASE("external interrupt: gate not present -> #NP names the IDT entry with EXT") {
  M m;
  FixedApic apic;
  m.protected_system({0x90});
  m.cpu.apic = &apic;
  m.idt(0x20, M::gate(M::kCode0, M::kHandler, 0x0E));
  m.cpu.set_rflags(flag::kFixed | flag::IF);
  m.cpu.set_intr(true);
  CHECK(take_pending(m.cpu));
  CHECK(m.rip() == m.handler(11));
  CHECK(m.stack32(0) == (0x20u << 3 | 3));
}

TEST_CASE("external interrupt: IF clear -> waits") {
  M m;
  FixedApic apic;
  m.protected_system({0x90});
  m.cpu.apic = &apic;
  m.cpu.set_intr(true);
  CHECK_FALSE(take_pending(m.cpu));
  CHECK(m.rip() == M::kCode);
}

TEST_CASE("STI: interrupt pending -> one more instruction runs first") {
  M m;
  FixedApic apic;
  m.protected_system({0xFB, 0x40, 0x40});  // sti; inc eax; inc eax
  m.cpu.apic = &apic;
  m.idt(0x20, M::gate(M::kCode0, M::kHandler, 0x8E));
  m.put(M::kHandler, {0xF4});
  m.cpu.set_intr(true);
  CHECK(m.run() == Exit::Halted);
  CHECK(m.reg(kRax) == 1);
  CHECK(m.stack32(0) == M::kCode + 2);
}

TEST_CASE("INT n: 16-bit gate -> 16-bit frame") {
  M m;
  m.protected_system({0xCD, 0x30});
  m.idt(0x30, M::gate(M::kCode0, 0x1234, 0x86));
  m.step();
  CHECK(m.rip() == 0x1234);
  CHECK(m.reg(kRsp) == M::kStack - 6);
}

TEST_CASE("long mode: #GP from CPL 3 -> aligned frame, null SS, error code") {
  M m;
  m.long_system({0xF4}, 3);
  m.reg(kRsp) = M::kUserStack - 4;
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.reg(kRsp) == M::kKernelStack - 48);
  CHECK(m.stack64(0) == 0);
  CHECK(m.stack64(1) == M::kCode);
  CHECK(m.stack64(2) == (M::kCode3 | 3));
  CHECK(m.stack64(4) == M::kUserStack - 4);
  CHECK(m.stack64(5) == (M::kData3 | 3));
  CHECK(m.sel(kSs) == 0);
  CHECK(m.cpu.state.cpl == 0);
}

TEST_CASE("long mode: same level without IST -> RSP aligned to 16 and SS kept") {
  M m;
  m.long_system({0x0F, 0x0B});
  m.reg(kRsp) = M::kStack - 8;
  m.step();
  CHECK(m.rip() == m.handler(6));
  CHECK(m.reg(kRsp) == M::kStack - 16 - 40);
  CHECK(m.stack64(3) == M::kStack - 8);
  CHECK(m.sel(kSs) == M::kData0);
}

TEST_CASE("long mode: gate with IST -> that stack at any level") {
  M m;
  m.long_system({0x0F, 0x0B});
  m.idt64(6, M::kCode0, M::kHandler, 0x8E, 3);
  m.memory.write<u64>({M::kTss + 0x24 + 16}, 0x38008);
  m.step();
  CHECK(m.reg(kRsp) == 0x38000 - 40);
}

TEST_CASE("long mode: handler in 32-bit code -> #GP(selector)") {
  M m;
  m.long_system({0x0F, 0x0B});
  m.gdt(M::kFree, M::segment(0, 0xFFFFF, M::kCodeAccess, 0xC));
  m.idt64(6, M::kFree, M::kHandler);
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack64(0) == (M::kFree | 1));
}

TEST_CASE("long mode: interrupt in compatibility mode with tables above 4 GiB -> 64-bit handler") {
  M m;
  m.long_system({0x0F, 0x0B}, 3);
  m.memory.write<u64>({M::kTables + 8 * 511}, M::kTables + 0x1007);
  m.memory.write<u64>({M::kTables + 0x1000 + 8 * 510}, M::kTables + 0x2007);
  const u64 high = 0xFFFFFFFF80000000;
  m.cpu.state.idtr.base += high;
  m.cpu.state.gdtr.base += high;
  m.cpu.state.seg[kTr].base += high;
  m.cpu.state.seg[kCs].l = false;
  m.cpu.state.seg[kCs].db = true;
  m.cpu.update_mode();
  REQUIRE(m.cpu.state.mode == CpuMode::Compatibility);
  m.step();
  CHECK(m.rip() == m.handler(6));
  CHECK(m.cpu.state.long64());
  CHECK(m.reg(kRsp) == M::kKernelStack - 40);
}

TEST_CASE("real mode: INT and IRET -> IVT, flags come back") {
  M m;
  m.real_mode({0xCD, 0x21});
  m.memory.write<u32>({0x21 * 4}, 0x0900'0010);
  m.put(0x9010, {0xCF});
  m.cpu.set_rflags(flag::kFixed | flag::IF);
  m.step();
  CHECK(m.rip() == 0x10);
  CHECK(m.sel(kCs) == 0x900);
  CHECK(m.reg(kRsp) == 0x6FFA);
  CHECK_FALSE(m.cpu.state.has(flag::IF));
  m.step();
  CHECK(m.rip() == 0x8002);
  CHECK(m.cpu.state.has(flag::IF));
}

TEST_CASE("virtual-8086: INT n with IOPL 3 -> nine slots on the ring-0 stack, null segments") {
  M m;
  m.virtual8086_system({0xCD, 0x30});
  m.idt(0x30, M::gate(M::kCode0, M::kHandler, 0xEE));
  load_real_segment(m.cpu, kGs, 0x1234);
  m.step();
  CHECK(m.rip() == M::kHandler);
  CHECK(m.reg(kRsp) == M::kKernelStack - 36);
  CHECK(m.stack32(0) == 0x8002);
  CHECK((m.stack32(2) & flag::VM) != 0);
  CHECK(m.stack32(3) == 0x7000);
  CHECK(m.stack32(8) == 0x1234);
  CHECK(m.sel(kGs) == 0);
  CHECK(m.cpu.state.mode == CpuMode::Protected);
}

TEST_CASE("virtual-8086: INT n with IOPL below 3 -> #GP(0)") {
  M m;
  m.virtual8086_system({0xCD, 0x30}, 0);
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack32(0) == 0);
  CHECK(m.stack32(1) == 0x8000);
}

TEST_CASE("virtual-8086: VME, clear redirection bit -> the program's own handler, IF is VIF") {
  M m;
  m.virtual8086_system({0xCD, 0x21}, 0);
  m.memory.write<u16>({M::kTss + 0x66}, 0x88);
  write_cr4(m.cpu, cr4::VME);
  m.cpu.set_rflags(m.cpu.state.rflags | flag::VIF | flag::IF);
  m.memory.write<u32>({0x21 * 4}, 0x0900'0010);
  m.step();
  CHECK(m.cpu.state.mode == CpuMode::Virtual8086);
  CHECK(m.rip() == 0x10);
  CHECK(m.sel(kCs) == 0x900);
  CHECK((m.memory.read<u16>({0x6FFE}) & 0x3200) == 0x3200);
  CHECK_FALSE(m.cpu.state.has(flag::VIF));
  CHECK(m.cpu.state.has(flag::IF));
}

TEST_CASE("virtual-8086: VME, set redirection bit and IOPL 0 -> #GP(0)") {
  M m;
  m.virtual8086_system({0xCD, 0x21}, 0);
  m.memory.write<u16>({M::kTss + 0x66}, 0x88);
  m.memory.write<u8>({M::kTss + 0x68 + 4}, 2);
  write_cr4(m.cpu, cr4::VME);
  m.step();
  CHECK(m.rip() == m.handler(13));
}

TEST_CASE("double fault: #GP whose gate is absent -> vector 8 with error 0") {
  M m;
  m.protected_system({0xCD, 0x30}, 3);
  m.idt(13, 0);
  m.step();
  CHECK(m.rip() == m.handler(8));
  CHECK(m.stack32(0) == 0);
  CHECK(m.stack32(1) == M::kCode);
}

TEST_CASE("double fault: #UD whose gate is absent -> the second fault, serially") {
  M m;
  m.protected_system({0x0F, 0x0B});
  m.idt(6, 0);
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(m.stack32(0) == (6u << 3 | 3));
}

TEST_CASE("triple fault: no double-fault gate -> shutdown") {
  M m;
  m.protected_system({0xCD, 0x30}, 3);
  m.idt(13, 0);
  m.idt(8, 0);
  m.step();
  CHECK(m.cpu.state.activity == CpuState::Activity::Shutdown);
}

TEST_CASE("page fault: unmapped read -> CR2 and error code") {
  M m;
  m.long_system({0x8A, 0x00}, 3);  // mov al,[rax]
  m.reg(kRax) = 0x40000123;
  m.step();
  CHECK(m.rip() == m.handler(14));
  CHECK(m.cpu.state.cr2 == 0x40000123);
  CHECK(m.stack64(0) == 4);
}

TEST_CASE("NMI: in its handler -> blocked until IRET") {
  M m;
  m.protected_system({0x90, 0x90});
  m.put(m.handler(2), {0x90, 0xCF});
  m.cpu.pulse_nmi();
  CHECK(take_pending(m.cpu));
  CHECK(m.rip() == m.handler(2));
  m.cpu.pulse_nmi();
  m.step();
  CHECK(m.rip() == m.handler(2) + 1);
  m.step();
  CHECK(m.rip() == M::kCode);
  CHECK(take_pending(m.cpu));
  CHECK(m.rip() == m.handler(2));
}

TEST_CASE("HLT: NMI -> wakes") {
  M m;
  m.protected_system({0xF4});
  CHECK(m.run() == Exit::Halted);
  m.cpu.pulse_nmi();
  CHECK(take_pending(m.cpu));
  CHECK(m.cpu.state.activity == CpuState::Activity::Active);
  CHECK(m.stack32(0) == M::kCode + 1);
}
