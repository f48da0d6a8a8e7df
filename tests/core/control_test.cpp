// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "tests/core/system_machine.h"

using namespace ring3;
using M = SystemMachine;

namespace {

template <class F>
int vector_of(F&& f) {
  try {
    f();
  } catch (const Fault& fault) {
    return static_cast<int>(fault.vector);
  }
  return -1;
}

class CountingPort final : public Device {
 public:
  std::string_view name() const override { return "counting"; }
  u32 read(u32, Width) override { return next++; }
  void write(u32, Width, u32 value) override { last = value; }
  void reset() override {}
  void fields(FieldVisitor&) override {}
  u32 next = 0x11, last = 0;
};

}  // namespace

TEST_CASE("MOV CR0: PG without PE, NW without CD, upper bits -> #GP") {
  M m;
  m.protected_system({});
  CHECK(vector_of([&] { write_cr0(m.cpu, cr0::PG); }) == 13);
  CHECK(vector_of([&] { write_cr0(m.cpu, cr0::PE | cr0::NW); }) == 13);
  CHECK(vector_of([&] { write_cr0(m.cpu, bit(32) | cr0::PE); }) == 13);
}

TEST_CASE("long mode entry: LME, PAE and PG -> LMA; without PAE -> #GP") {
  M m;
  m.protected_system({});
  write_msr(m.cpu, 0xC0000080, efer::LME);
  CHECK(vector_of([&] { write_cr0(m.cpu, m.cpu.state.cr0 | cr0::PG); }) == 13);
  write_cr4(m.cpu, cr4::PAE);
  write_cr0(m.cpu, m.cpu.state.cr0 | cr0::PG);
  CHECK((m.cpu.state.efer & efer::LMA) != 0);
  CHECK(m.cpu.state.mode == CpuMode::Compatibility);
  CHECK(vector_of([&] { write_cr4(m.cpu, 0); }) == 13);
  CHECK(vector_of([&] { write_msr(m.cpu, 0xC0000080, 0); }) == 13);
  write_cr0(m.cpu, m.cpu.state.cr0 & ~cr0::PG);
  CHECK((m.cpu.state.efer & efer::LMA) == 0);
}

TEST_CASE("64-bit mode: clearing PG -> #GP") {
  M m;
  m.long_system({});
  CHECK(vector_of([&] { write_cr0(m.cpu, m.cpu.state.cr0 & ~cr0::PG); }) == 13);
}

TEST_CASE("PAE paging: a present PDPTE with reserved bits -> #GP(0) and nothing changes") {
  M m;
  m.protected_system({});
  write_cr4(m.cpu, cr4::PAE);
  m.memory.write<u64>({0x7000}, 0x8000 | 0x1E1);
  write_cr3(m.cpu, 0x7000);
  CHECK(vector_of([&] { write_cr0(m.cpu, m.cpu.state.cr0 | cr0::PG); }) == 13);
  CHECK((m.cpu.state.cr0 & cr0::PG) == 0);
}

TEST_CASE("MOV CR4: unknown bit -> #GP; PCIDE with CR3[11:0] set -> #GP") {
  M m("max");
  m.long_system({});
  CHECK(vector_of([&] { write_cr4(m.cpu, m.cpu.state.cr4 | bit(63)); }) == 13);
  write_cr3(m.cpu, m.cpu.state.cr3 | 0x18);
  CHECK(vector_of([&] { write_cr4(m.cpu, m.cpu.state.cr4 | cr4::PCIDE); }) == 13);
}

TEST_CASE("MOV CR3: bits above MAXPHYADDR in long mode -> #GP") {
  M m;
  m.long_system({});
  CHECK(vector_of([&] { write_cr3(m.cpu, bit(52)); }) == 13);
}

TEST_CASE("MSR: unknown, non-canonical LSTAR, bad PAT type, reserved EFER bit -> #GP") {
  M m;
  m.long_system({});
  CHECK(vector_of([&] { read_msr(m.cpu, 0x12345); }) == 13);
  CHECK(vector_of([&] { write_msr(m.cpu, 0xC0000082, 0x800000000000); }) == 13);
  CHECK(vector_of([&] { write_msr(m.cpu, 0x277, 2); }) == 13);
  CHECK(vector_of([&] { write_msr(m.cpu, 0xC0000080, bit(20) | m.cpu.state.efer); }) == 13);
  CHECK(m.cpu.state.pat == 0x0007040600070406);
}

TEST_CASE("MSR: GS bases and SWAPGS -> exchanged") {
  M m;
  m.long_system({0x0F, 0x01, 0xF8});
  write_msr(m.cpu, 0xC0000101, 0x1000);
  write_msr(m.cpu, 0xC0000102, 0xFFFF800000000000);
  m.step();
  CHECK(read_msr(m.cpu, 0xC0000101) == 0xFFFF800000000000);
  CHECK(m.cpu.state.seg[kGs].access_base == 0xFFFF800000000000);
  CHECK(read_msr(m.cpu, 0xC0000102) == 0x1000);
}

TEST_CASE("MSR: TSC write -> TSC_ADJUST moves by the difference") {
  M m;
  m.long_system({});
  m.time.time = 1000;
  write_msr(m.cpu, 0x10, 5000);
  CHECK(read_msr(m.cpu, 0x10) == 5000);
  CHECK(read_msr(m.cpu, 0x3B) == 4000);
}

TEST_CASE("privileged instructions at CPL 3 -> #GP(0)") {
  const std::initializer_list<u8> codes[] = {
      {0xF4},       {0x0F, 0x06}, {0x0F, 0x20, 0xC0}, {0x0F, 0x22, 0xD8}, {0x0F, 0x30},
      {0x0F, 0x32}, {0x0F, 0x09}, {0x0F, 0x01, 0x38}, {0x0F, 0x01, 0x10}, {0x0F, 0x00, 0xD8},
      {0xFA},       {0xFB},       {0x0F, 0x23, 0xC0}, {0x0F, 0x01, 0xF0}};
  for (const auto& code : codes) {
    M m;
    m.protected_system(code, 3);
    m.step();
    CHECK(m.rip() == m.handler(13));
    CHECK(m.stack32(0) == 0);
  }
}

TEST_CASE("UMIP: SGDT, SIDT, SLDT, STR, SMSW at CPL 3 -> #GP(0)") {
  const std::initializer_list<u8> codes[] = {{0x0F, 0x01, 0x00},
                                             {0x0F, 0x01, 0x08},
                                             {0x0F, 0x00, 0xC0},
                                             {0x0F, 0x00, 0xC8},
                                             {0x0F, 0x01, 0xE0}};
  for (const auto& code : codes) {
    M m;
    m.protected_system(code, 3);
    m.cpu.state.cr4 |= cr4::UMIP;
    m.reg(kRax) = 0x50000;
    m.step();
    CHECK(m.rip() == m.handler(13));
  }
}

TEST_CASE("SGDT: 64-bit -> ten bytes; LGDT takes them back") {
  M m;
  m.long_system({0x0F, 0x01, 0x00, 0x0F, 0x01, 0x10});
  m.reg(kRax) = 0x50000;
  m.cpu.state.gdtr = {0xFFFF800012345678, 0x7F};
  m.step();
  CHECK(m.memory.read<u16>({0x50000}) == 0x7F);
  CHECK(m.memory.read<u64>({0x50002}) == 0xFFFF800012345678);
  m.memory.write<u64>({0x50002}, M::kGdt);
  m.step();
  CHECK(m.cpu.state.gdtr.base == M::kGdt);
}

TEST_CASE("POPF: CPL 3 with IOPL 0 -> IF and IOPL stay; IOPL 3 -> IF changes") {
  M m;
  m.protected_system({0x9D, 0x9D}, 3);
  m.memory.write<u64>({M::kUserStack}, 0x00003002'00003002);
  m.cpu.set_rflags(flag::kFixed | flag::IF);
  m.step();
  CHECK(m.cpu.state.rflags == (flag::kFixed | flag::IF));
  m.cpu.set_rflags(flag::kFixed | flag::IF | flag::IOPL);
  m.step();
  CHECK(m.cpu.state.rflags == (flag::kFixed | flag::IOPL));
}

TEST_CASE("PVI: CLI and STI at CPL 3 -> VIF; STI with VIP -> #GP(0)") {
  M m;
  m.protected_system({0xFB, 0xFA, 0xFB}, 3);
  m.cpu.state.cr4 |= cr4::PVI;
  m.cpu.set_rflags(flag::kFixed | flag::IF);
  m.step();
  CHECK(m.cpu.state.has(flag::VIF));
  m.step();
  CHECK_FALSE(m.cpu.state.has(flag::VIF));
  CHECK(m.cpu.state.has(flag::IF));
  m.cpu.set_rflags(m.cpu.state.rflags | flag::VIP);
  m.step();
  CHECK(m.rip() == m.handler(13));
}

TEST_CASE("I/O bitmap: clear bits -> allowed, a set bit or the map's end -> #GP(0)") {
  M m;
  m.protected_system({}, 3);
  CHECK(vector_of([&] { check_io(m.cpu, 0x60, 1); }) == -1);
  m.memory.write<u8>({M::kTss + 0x68 + 0xC}, 2);
  CHECK(vector_of([&] { check_io(m.cpu, 0x60, 1); }) == -1);
  CHECK(vector_of([&] { check_io(m.cpu, 0x60, 2); }) == 13);
  m.cpu.state.seg[kTr].limit = 0x68 + 0xC;
  CHECK(vector_of([&] { check_io(m.cpu, 0x60, 1); }) == 13);
}

TEST_CASE("REP INSB: three bytes -> in order, registers moved") {
  M m;
  CountingPort port;
  m.io.map(0x300, 1, port);
  m.protected_system({0xF3, 0x6C, 0xF4});
  m.reg(kRdx) = 0x300;
  m.reg(kRdi) = 0x50000;
  m.reg(kRcx) = 3;
  CHECK(m.run() == Exit::Halted);
  CHECK((m.memory.read<u32>({0x50000}) & 0xFFFFFF) == 0x131211);
  CHECK(m.reg(kRdi) == 0x50003);
  CHECK(m.reg(kRcx) == 0);
}

TEST_CASE("INSB: the store faults -> the port is not read") {
  M m;
  CountingPort port;
  m.io.map(0x300, 1, port);
  m.protected_system({0x6C});
  m.cpu.state.seg[kEs].limit = 0xFFF;
  m.cpu.update_mode();
  m.reg(kRdx) = 0x300;
  m.reg(kRdi) = 0x50000;
  m.step();
  CHECK(m.rip() == m.handler(13));
  CHECK(port.next == 0x11);
}

TEST_CASE("OUT and IN: 8-bit immediate and DX forms -> port and accumulator") {
  M m;
  CountingPort port;
  m.io.map(0xE9, 1, port);
  m.protected_system({0xE6, 0xE9, 0xEC});
  m.reg(kRax) = 0x12345678;
  m.reg(kRdx) = 0xE9;
  m.step();
  CHECK(port.last == 0x78);
  m.step();
  CHECK(m.reg(kRax) == 0x12345611);
}

TEST_CASE("RDTSC: CR4.TSD at CPL 3 -> #GP(0)") {
  M m;
  m.protected_system({0x0F, 0x31}, 3);
  m.cpu.state.cr4 |= cr4::TSD;
  m.step();
  CHECK(m.rip() == m.handler(13));
}

TEST_CASE("SERIALIZE: at CPL 3 -> nothing changes; a cpu without it, or LOCK -> #UD") {
  M m;
  m.protected_system({0x0F, 0x01, 0xE8, 0xF0, 0x0F, 0x01, 0xE8}, 3);
  const u64 rflags = m.cpu.state.rflags;
  m.step();
  CHECK(m.rip() == M::kCode + 3);
  CHECK(m.cpu.state.rflags == rflags);
  m.step();
  CHECK(m.rip() == m.handler(6));
  M old("max,-serialize");
  old.protected_system({0x0F, 0x01, 0xE8}, 3);
  old.step();
  CHECK(old.rip() == old.handler(6));
}

TEST_CASE("CPUID: OSXSAVE follows CR4") {
  M m;
  m.long_system({0x0F, 0xA2, 0x0F, 0xA2});
  m.reg(kRax) = 1;
  m.step();
  CHECK((m.reg(kRcx) & bit(27)) != 0);
  m.cpu.state.cr4 &= ~cr4::OSXSAVE;
  m.reg(kRax) = 1;
  m.step();
  CHECK((m.reg(kRcx) & bit(27)) == 0);
}

TEST_CASE("LMSW: clearing PE -> PE stays") {
  M m;
  m.protected_system({0x0F, 0x01, 0xF0});
  m.reg(kRax) = 8;
  m.step();
  CHECK((m.cpu.state.cr0 & (cr0::PE | cr0::TS)) == (cr0::PE | cr0::TS));
}

TEST_CASE("reset: after long mode -> F000:FFF0 in real mode") {
  M m;
  m.long_system({});
  m.cpu.reset();
  CHECK(m.cpu.state.mode == CpuMode::Real);
  CHECK(m.rip() == 0xFFF0);
  CHECK(m.cpu.state.seg[kCs].base == 0xFFFF0000);
  CHECK(m.cpu.state.cr0 == (cr0::ET | cr0::CD | cr0::NW));
  CHECK(m.cpu.state.ip_mask == 0xFFFF);
}
