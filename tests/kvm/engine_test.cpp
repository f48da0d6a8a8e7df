// SPDX-License-Identifier: MIT
// The KVM engine on a bare cpu: state there and back, memory, devices, interrupts.
#include <catch2/catch.hpp>
#include <cstring>

#include "../core/bare_machine.h"
#include "oracle.h"

namespace ring3 {
namespace {

using test::kvm_or_skip;
using test::run_until_exit;

/// A port and a memory window that remember what was written, and answer with 5Ah.
class Recorder final : public Device, public MmioHandler {
 public:
  std::string_view name() const override { return "recorder"; }
  void reset() override {}
  void fields(FieldVisitor&) override {}
  u32 read(u32, Width) override { return 0x5A5A5A5A; }
  void write(u32, Width width, u32 value) override { note(bytes(width), value); }
  u64 mmio_read(u64, unsigned) override { return 0x5A5A5A5A5A5A5A5A; }
  void mmio_write(u64, unsigned size, u64 value) override { note(size, value); }
  std::vector<std::pair<unsigned, u64>> writes;

 private:
  void note(unsigned size, u64 value) { writes.emplace_back(size, value); }
};

/// An interrupt controller with one vector waiting.
class OneVector final : public ApicPort {
 public:
  explicit OneVector(Cpu& cpu) : cpu_(cpu) {}
  std::optional<u8> acknowledge() override {
    cpu_.set_intr(false);
    return 0x40;
  }
  u64 apic_base() const override { return 0xFEE00900; }
  bool set_apic_base(u64) override { return false; }
  u8 task_priority() const override { return priority; }
  void set_task_priority(u8 cr8) override { priority = cr8; }
  std::optional<u64> read_x2apic(u32 index) override { return 0x1234 + index; }
  bool write_x2apic(u32, u64) override { return false; }
  u64 tsc_deadline() const override { return 0; }
  void set_tsc_deadline(u64) override {}
  u8 priority = 0;

 private:
  Cpu& cpu_;
};

TEST_CASE("kvm: mov and hlt in ring 0 -> halted, registers as written, rip behind") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  m.long_mode({0x48, 0xC7, 0xC0, 0x34, 0x12, 0x00, 0x00, 0xF4});  // mov rax, 1234h; hlt
  for (unsigned r = kRbx; r <= kR15; ++r)
    if (r != kRsp) m.cpu.state.gpr[r] = 0x1111111111111111 * r;
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  CHECK(m.reg(kRax) == 0x1234);
  CHECK(m.reg(kR15) == 0xFFFFFFFFFFFFFFFF);
  CHECK(m.reg(kRbx) == 0x3333333333333333);
  CHECK(m.cpu.state.rip() == BareMachine::kCode + 8);
  CHECK(m.cpu.exits.count[static_cast<size_t>(ExitReason::Hlt)] == 1);
}

TEST_CASE("kvm: a run -> system registers, MSRs, debug registers and x87 to AVX come back") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  m.long_mode({0xF4});
  CpuState& s = m.cpu.state;
  s.lstar = 0xFFFF800000001234;
  s.kernel_gs_base = 0x7000;
  s.sysenter_eip = 0x4321;
  s.seg[kFs].base = 0x12345678;
  s.dr[0] = 0x5000;
  s.idtr = {0x9000, 0x1FF};
  for (unsigned i = 0; i < 256; ++i) s.fpu.image[160 + i] = static_cast<u8>(i);
  for (unsigned i = 0; i < 256; ++i) s.fpu.image[576 + i] = static_cast<u8>(255 - i);
  const CpuState before = s;
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  CHECK(s.lstar == before.lstar);
  CHECK(s.kernel_gs_base == before.kernel_gs_base);
  CHECK(s.sysenter_eip == before.sysenter_eip);
  CHECK(s.seg[kFs].base == before.seg[kFs].base);
  CHECK(s.dr[0] == before.dr[0]);
  CHECK(s.idtr.base == before.idtr.base);
  CHECK(s.cr0 == before.cr0);
  CHECK(s.cr4 == before.cr4);
  CHECK(s.efer == before.efer);
  CHECK(s.mode == CpuMode::Long64);
  CHECK(std::memcmp(s.fpu.image + 160, before.fpu.image + 160, 256) == 0);
  CHECK(std::memcmp(s.fpu.image + 576, before.fpu.image + 576, 256) == 0);
}

TEST_CASE("kvm: IN and OUT -> the devices of the bus, counted") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  Recorder device;
  m.io.map(0x80, 4, device);
  // mov eax, 11223344h; out 80h, eax; in al, 80h; hlt
  m.long_mode({0xB8, 0x44, 0x33, 0x22, 0x11, 0xE7, 0x80, 0xE4, 0x80, 0xF4});
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  REQUIRE(device.writes.size() == 1);
  CHECK(device.writes[0] == std::pair<unsigned, u64>{4, 0x11223344});
  CHECK(m.reg(kRax) == 0x1122335A);
  CHECK(m.cpu.exits.count[static_cast<size_t>(ExitReason::Io)] == 2);
}

TEST_CASE("kvm: a window moves while the guest runs -> found at its new place, RAM at the old") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  Recorder window;
  m.memory.add_mmio({0x300000}, kPageSize, window);
  // mov [300000h], eax; mov ebx, [300000h]; hlt; the same again
  m.long_mode({0x89, 0x04, 0x25, 0, 0, 0x30, 0, 0x8B, 0x1C, 0x25, 0, 0, 0x30, 0, 0xF4,
               0x89, 0x04, 0x25, 0, 0, 0x30, 0, 0x8B, 0x1C, 0x25, 0, 0, 0x30, 0, 0xF4});
  m.reg(kRax) = 77;
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  CHECK(window.writes.size() == 1);
  CHECK(m.reg(kRbx) == 0x5A5A5A5A);
  m.memory.remove_mmio(window);
  m.cpu.state.activity = CpuState::Activity::Active;
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  CHECK(window.writes.size() == 1);
  CHECK(m.reg(kRbx) == 77);
}

TEST_CASE("kvm: a write to ROM -> dropped") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  const u8 rom[4] = {1, 2, 3, 4};
  m.memory.add_rom({0x300000}, rom);
  m.long_mode({0x89, 0x04, 0x25, 0, 0, 0x30, 0, 0x8B, 0x1C, 0x25, 0, 0, 0x30, 0, 0xF4});
  m.reg(kRax) = 77;
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  CHECK(m.reg(kRbx) == 0x04030201);
}

TEST_CASE("kvm: A20 off -> an odd MiB shows the even one below it") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  m.long_mode({0x8B, 0x1C, 0x25, 0, 0, 0x30, 0, 0xF4});  // mov ebx, [300000h]; hlt
  m.memory.write<u32>({0x200000}, 0xABCD);
  m.memory.write<u32>({0x300000}, 0x1234);
  // Page tables stand at 1 MiB, which is out of sight then.
  m.memory.set_a20(false);
  for (u64 at = 0; at < 0x3000; at += 8) m.memory.write<u64>({at}, 0);
  m.memory.set_a20(true);
  for (u64 at = 0; at < 0x3000; at += 8)
    m.memory.write<u64>({at}, m.memory.read<u64>({BareMachine::kTables + at}));
  m.memory.set_a20(false);
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  CHECK(m.reg(kRbx) == 0xABCD);
}

TEST_CASE("kvm: an interrupt waits until STI -> taken behind the instruction that follows") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  OneVector apic(m.cpu);
  m.cpu.apic = &apic;
  // Real mode: sti; mov cl, 77h; jmp $. Vector 40h: mov bx, 55AAh; hlt.
  m.real_mode({0xFB, 0xB1, 0x77, 0xEB, 0xFE});
  m.put(0x9000, {0xBB, 0xAA, 0x55, 0xF4});
  m.memory.write<u32>({0x40 * 4}, 0x9000);
  m.cpu.state.idtr = {0, 0x3FF};
  m.cpu.set_intr(true);
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  CHECK((m.reg(kRbx) & 0xFFFF) == 0x55AA);
  CHECK((m.reg(kRcx) & 0xFF) == 0x77);
  CHECK(m.memory.read<u16>({m.reg(kRsp)}) == 0x8003);
  CHECK(m.cpu.exits.count[static_cast<size_t>(ExitReason::ExternalInterrupt)] == 1);
}

TEST_CASE("kvm: CPUID of every leaf -> the model's but for features that KVM has not") {
  BareMachine m("qemu64,-x2apic");
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  for (const u32 leaf : {0u, 2u, 4u, 0x80000002u, 0x80000004u, 0x40000000u}) {
    INFO("leaf " << leaf);
    m.long_mode({0x0F, 0xA2, 0xF4});
    m.reg(kRax) = leaf;
    m.reg(kRcx) = 0;
    CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
    const CpuidResult wanted = m.model.cpuid(leaf, 0);
    CHECK(m.reg(kRax) == wanted.eax);
    CHECK(m.reg(kRbx) == wanted.ebx);
    CHECK(m.reg(kRcx) == wanted.ecx);
    CHECK(m.reg(kRdx) == wanted.edx);
  }
}

TEST_CASE("kvm: no handler, no IDT -> shutdown") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  m.long_mode({0x0F, 0x0B});  // ud2
  m.cpu.state.idtr = {0, 0};
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Shutdown);
}

TEST_CASE("kvm: a signal that asks to stop -> leaves an endless loop") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  m.long_mode({0xEB, 0xFE});
  CHECK(kvm->run(m.cpu, ~u64{0}) == Exit::Deadline);
  m.cpu.signals |= kSignalStop;
  CHECK(kvm->run(m.cpu, ~u64{0}) == Exit::Signal);
  CHECK(m.cpu.state.rip() == BareMachine::kCode);
}

TEST_CASE("kvm: step -> one instruction, and the rest by KVM") {
  BareMachine m;
  const auto kvm = kvm_or_skip(m.cpu);
  if (!kvm) return;
  m.long_mode({0xFF, 0xC0, 0xFF, 0xC0, 0xFF, 0xC0, 0xF4});  // inc eax, three times; hlt
  kvm->step(m.cpu);
  CHECK(m.reg(kRax) == 1);
  CHECK(run_until_exit(*kvm, m.cpu) == Exit::Halted);
  CHECK(m.reg(kRax) == 3);
}

}  // namespace
}  // namespace ring3
