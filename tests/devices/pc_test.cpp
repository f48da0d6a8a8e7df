// SPDX-License-Identifier: MIT
// The whole board with the interpreter, driven by small real-mode guests.
#include "devices/pc.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>

#include "devices/pc_layout.h"

using namespace ring3;

namespace {

constexpr u64 kStart = 0x7C00;

struct StringSink final : ByteSink {
  std::string text, broken;
  void put(u8 byte) override { text += static_cast<char>(byte); }
  std::string error() const override { return broken; }
};

struct StringSource final : ByteSource {
  std::string text;
  size_t take(std::span<u8> out) override {
    const size_t n = std::min(out.size(), text.size());
    std::copy_n(text.begin(), n, out.begin());
    text.erase(0, n);
    return n;
  }
  bool ended() const override { return text.empty(); }
  int handle() const override { return -1; }
};

/// 16-bit code, byte by byte.
struct Code {
  std::vector<u8> bytes;
  Code& raw(std::initializer_list<int> list) {
    for (int b : list) bytes.push_back(static_cast<u8>(b));
    return *this;
  }
  Code& out8(u16 port, u8 value) {  // mov dx, port; mov al, value; out dx, al
    return raw({0xBA, port & 0xFF, port >> 8, 0xB0, value, 0xEE});
  }
  Code& out16(u16 port, u16 value) {
    return raw({0xBA, port & 0xFF, port >> 8, 0xB8, value & 0xFF, value >> 8, 0xEF});
  }
  Code& exit(u8 value) { return out8(layout::kDebugExit, value); }
  Code& spin() { return raw({0xEB, 0xFE}); }
};

PcConfig config(bool icount = true) {
  PcConfig c;
  c.ram_bytes = u64{2} << 20;
  c.cpu = *CpuModel::parse("qemu64");
  c.icount = icount;
  c.icount_sleep = false;
  c.debug_exit = layout::kDebugExit;
  return c;
}

struct Machine {
  Machine(PcConfig c, const Code& code) : pc(std::move(c)), engine(make_interpreter(pc.cpu())) {
    pc.on_reset([this, code] {
      ++resets;
      pc.memory().write(PhysAddr{kStart}, std::span<const u8>(code.bytes));
      pc.cpu().state.seg[kCs].selector = 0;
      pc.cpu().state.seg[kCs].base = 0;
      pc.cpu().state.rip() = kStart;
      pc.cpu().set_reg<u16>(kRsp * 8, 0x7000);
      pc.cpu().update_mode();
    });
    pc.reset();
  }
  int run() { return pc.run(*engine); }
  int resets = 0;
  Pc pc;
  std::unique_ptr<Engine> engine;
};

/// Counts timer interrupts in HLT, then leaves with status 2 * 33 + 1.
Code timer_guest(u8 ticks) {
  Code c;
  c.raw({0xC7, 0x06, 0x20, 0x00, 0x00, 0x06});  // IVT 8: 0000:0600
  c.raw({0xC7, 0x06, 0x22, 0x00, 0x00, 0x00});
  // At 600h: inc byte [500h]; mov al, 20h; out 20h, al; iret
  const u8 handler[] = {0xFE, 0x06, 0x00, 0x05, 0xB0, 0x20, 0xE6, 0x20, 0xCF};
  for (int i = 0; i < 9; ++i) c.raw({0xC6, 0x06, i, 0x06, handler[i]});
  c.raw({0xC6, 0x06, 0x00, 0x05, 0x00});
  c.out8(0x20, 0x11).out8(0x21, 8).out8(0x21, 4).out8(0x21, 1).out8(0x21, 0xFE);
  c.out8(0x43, 0x34).out8(0x40, 0x00).out8(0x40, 0x08);            // 2048 clocks: 1.7 ms
  c.raw({0xFB, 0xF4, 0x80, 0x3E, 0x00, 0x05, ticks, 0x72, 0xF8});  // sti; hlt; cmp; jb hlt
  return c.exit(33).spin();
}

}  // namespace

TEST_CASE("pc: isa-debug-exit -> the status is (value << 1) | 1") {
  Machine m(config(), Code().exit(5).spin());
  CHECK(m.run() == 11);
}

TEST_CASE("pc: serial output and ACPI S5 -> the text, status 0") {
  StringSink out;
  PcConfig c = config();
  c.serial[0] = &out;
  Machine m(c, Code().out8(0x3F8, 'O').out8(0x3F8, 'K').out16(layout::kPm1Control, 0x2000).spin());
  CHECK(m.run() == 0);
  CHECK(out.text == "OK");
}

TEST_CASE("pc: timer interrupts wake HLT -> by instructions and by the host's clock") {
  Machine by_instructions(config(true), timer_guest(20));
  CHECK(by_instructions.run() == 67);
  CHECK(by_instructions.pc.clock().now() > 30'000'000);
  Machine by_host(config(false), timer_guest(5));
  CHECK(by_host.run() == 67);
}

TEST_CASE("pc: -icount twice -> the same instructions and state at each checkpoint and the end") {
  const auto course = [] {
    Machine m(config(), timer_guest(20));
    std::vector<u64> seen;
    m.pc.on_instructions(50, [&](u64 n) { seen.insert(seen.end(), {n, m.pc.state_hash()}); });
    m.run();
    seen.insert(seen.end(), {m.pc.cpu().state.instructions, m.pc.state_hash()});
    return seen;
  };
  const std::vector<u64> first = course();
  CHECK(first.size() > 4);
  CHECK(first == course());
}

TEST_CASE("pc: typed input -> reaches the guest") {
  StringSink out;
  StringSource in;
  in.text = "hi";
  PcConfig c = config();
  c.serial[0] = &out;
  c.serial_input[0] = &in;
  // again: in al, LSR; test al, 1; jz again; in al, RBR; out THR; cmp al, 'i'; jne again
  Machine m(c, Code()
                   .raw({0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xF8})
                   .raw({0xBA, 0xF8, 0x03, 0xEC, 0xEE, 0x3C, 'i', 0x75, 0xEF})
                   .exit(0)
                   .spin());
  CHECK(m.run() == 1);
  CHECK(out.text == "hi");
}

TEST_CASE("pc: each way to reset -> the board starts over; with no_reboot the run ends with 0") {
  const Code ways[] = {Code().out8(0x64, 0xFE).spin(), Code().out8(0x92, 3).spin(),
                       Code().out8(0xCF9, 6).spin()};
  for (const Code& way : ways) {
    // The second time [500h] is set: leave.
    Code guest;
    guest.raw({0x80, 0x3E, 0x00, 0x05, 0x77, 0x75, 0x06}).exit(1);
    guest.raw({0xC6, 0x06, 0x00, 0x05, 0x77})
        .bytes.insert(guest.bytes.end(), way.bytes.begin(), way.bytes.end());
    Machine m(config(), guest);
    CHECK(m.run() == 3);
    CHECK(m.resets == 2);
    PcConfig once = config();
    once.no_reboot = true;
    Machine n(once, way);
    CHECK(n.run() == 0);
    CHECK(n.resets == 1);
  }
}

TEST_CASE("pc: triple fault with no_reboot -> the run ends; without -> a reset") {
  const Code fault = Code().raw({0x0F, 0x01, 0x1E, 0x00, 0x05, 0xCC}).spin();  // lidt [500h]; int3
  PcConfig c = config();
  c.no_reboot = true;
  Machine once(c, fault);
  CHECK(once.run() == 0);
  Code guest;
  guest.raw({0x80, 0x3E, 0x10, 0x05, 0x77, 0x75, 0x06}).exit(1);
  guest.raw({0xC6, 0x06, 0x10, 0x05, 0x77})
      .bytes.insert(guest.bytes.end(), fault.bytes.begin(), fault.bytes.end());
  Machine m(config(), guest);
  CHECK(m.run() == 3);
  CHECK(m.resets == 2);
}

TEST_CASE("pc: output that cannot be written -> status 1") {
  StringSink out;
  out.broken = "standard output: cannot write: Broken pipe";
  PcConfig c = config();
  c.serial[0] = &out;
  Machine m(c, Code().spin());
  CHECK(m.run() == 1);
}

TEST_CASE("pc: leave() while the guest spins or sleeps for good -> run ends with that status") {
  Machine spins(config(false), Code().spin());
  spins.pc.leave(7);
  CHECK(spins.run() == 7);
  Machine sleeps(config(false), Code().raw({0xFA, 0xF4}).spin());
  Event stop(sleeps.pc.clock(), [&] { sleeps.pc.leave(9); });
  stop.schedule_in(5'000'000);
  CHECK(sleeps.run() == 9);
}

TEST_CASE("pc: the map -> VGA hole open, APIC windows answer, absent ports are open bus") {
  Machine m(config(), Code().spin());
  PhysicalMemory& memory = m.pc.memory();
  memory.write<u8>(PhysAddr{0xA0000}, 1);
  CHECK(memory.read<u8>(PhysAddr{0xA0000}) == 0xFF);
  memory.write<u8>(PhysAddr{0xC0000}, 1);
  CHECK(memory.read<u8>(PhysAddr{0xC0000}) == 1);
  CHECK((memory.read<u32>(PhysAddr{layout::kLocalApic + 0x30}) & 0xFF) == 0x14);
  CHECK(memory.read<u32>(PhysAddr{layout::kHpet}) == 0x8086A201);
  CHECK(m.pc.io().read(0x3F8, Width::Byte) == 0xFF);
  CHECK(m.pc.io().read(layout::kFloppy, Width::Byte) == 0xFF);
  CHECK(m.pc.io().read(layout::kDma1 + 8, Width::Byte) == 0);
  CHECK(m.pc.io().read(0x600, Width::Word) == 0);
}

TEST_CASE(
    "pc: HPET timer on pin 2 while the 8254 rests at high -> the I/O APIC sends its interrupt") {
  Machine m(config(), Code().spin());
  PhysicalMemory& memory = m.pc.memory();
  const auto ioapic = [&](u32 reg, u32 value) {
    memory.write<u32>(PhysAddr{layout::kIoApic}, reg);
    memory.write<u32>(PhysAddr{layout::kIoApic + 0x10}, value);
  };
  memory.write<u32>(PhysAddr{layout::kLocalApic + 0xF0}, 0x1FF);
  ioapic(0x10 + 2 * 2, 0x40);  // edge, fixed, vector 40h, to APIC 0
  m.pc.io().write(0x43, Width::Byte, 0x34);
  m.pc.io().write(0x40, Width::Byte, 0);
  m.pc.io().write(0x40, Width::Byte, 0);                      // mode 2, a pulse each 55 ms
  memory.write<u32>(PhysAddr{layout::kLocalApic + 0xB0}, 0);  // EOI of the edge that made, if any
  CHECK(m.pc.cpu().apic->acknowledge().value_or(0x40) == 0x40);
  memory.write<u32>(PhysAddr{layout::kLocalApic + 0xB0}, 0);
  memory.write<u64>(PhysAddr{layout::kHpet + 0x100}, 2 << 9 | 4);  // route 2, enabled, edge
  memory.write<u64>(PhysAddr{layout::kHpet + 0x108}, 100);         // in a microsecond
  memory.write<u64>(PhysAddr{layout::kHpet + 0x10}, 1);
  Event look(m.pc.clock(), [&] { m.pc.leave(0); });
  look.schedule_in(10'000);
  m.run();
  CHECK((memory.read<u32>(PhysAddr{layout::kLocalApic + 0x220}) & 1) == 1);  // IRR of 40h
}

TEST_CASE("pc: the local APIC moved over the I/O APIC and back -> both answer") {
  Machine m(config(), Code().spin());
  ApicPort& apic = *m.pc.cpu().apic;
  const u64 base = apic.apic_base();
  CHECK(apic.set_apic_base((base & 0xFFF) | layout::kIoApic));
  CHECK(apic.set_apic_base(base));
  m.pc.memory().write<u32>(PhysAddr{layout::kIoApic}, 1);
  CHECK(m.pc.memory().read<u32>(PhysAddr{layout::kIoApic + 0x10}) == 0x170020);
  CHECK((m.pc.memory().read<u32>(PhysAddr{layout::kLocalApic + 0x30}) & 0xFF) == 0x14);
}

TEST_CASE("pc: TSC deadline at the end of time, by instructions -> never due") {
  Machine m(config(), Code().raw({0xFA, 0xF4}).spin());
  m.pc.memory().write<u32>(PhysAddr{layout::kLocalApic + 0xF0}, 0x1FF);
  m.pc.memory().write<u32>(PhysAddr{layout::kLocalApic + 0x320}, 0x40040);
  m.pc.cpu().apic->set_tsc_deadline(~u64{0} - 1);
  CHECK(m.pc.cpu().apic->tsc_deadline() == ~u64{0} - 1);
  m.pc.io().write(0x43, Width::Byte, 0x30);  // the 8254 and the clock chip stand still
  m.pc.io().write(0x70, Width::Byte, 0x0A);
  m.pc.io().write(0x71, Width::Byte, 0x70);
  Event stop(m.pc.clock(), [&] { m.pc.leave(9); });
  stop.schedule_in(5'000'000'000);
  CHECK(m.run() == 9);
  CHECK(m.pc.clock().next_deadline() == kNever);
}
