// SPDX-License-Identifier: MIT
// The contract of every device: reset state, save and restore, accesses of every width, same
// script gives the same trace. To add a device, add a line to kDevices.
#include "tests/devices/contract.h"

#include <catch2/catch.hpp>
#include <random>

#include "devices/acpi_pm.h"
#include "devices/debug_exit.h"
#include "devices/debugcon.h"
#include "devices/fdc82077.h"
#include "devices/fw_cfg.h"
#include "devices/hpet.h"
#include "devices/i440fx.h"
#include "devices/i8042.h"
#include "devices/ide/atapi_cdrom.h"
#include "devices/ioapic.h"
#include "devices/lapic.h"
#include "devices/pc_testdev.h"
#include "devices/pic8259.h"
#include "devices/piix.h"
#include "devices/pit8254.h"
#include "devices/post_port.h"
#include "devices/rtc146818.h"
#include "devices/uart16550.h"
#include "devices/vga.h"
#include "devices/virtio/virtio_input.h"
#include "devices/vmmouse.h"
#include "tests/devices/contract_parts.h"
#include "tests/devices/ide_bench.h"
#include "tests/devices/virtio_bench.h"

using namespace ring3;
using namespace ring3::test;

namespace {

struct Entry {
  const char* name;
  u32 span;      ///< accesses go to [0, span + a few)
  bool battery;  ///< reset keeps some of the state
  Unit (*make)(Bench& b);
};

LocalApic& lapic_of(Bench& b) {
  return b.keep<LocalApic>(b.clock, b, b.apic_bus, LocalApic::Config{}, [] { return u8{0x20}; });
}
std::function<void(unsigned, bool)> gsi_lines(Bench& b) {
  return [&b](unsigned gsi, bool level) { b.line(fmt::format("gsi{}", gsi)).set(level); };
}
struct TracedSink final : ByteSink {
  explicit TracedSink(Bench& b) : bench(b) {}
  Bench& bench;
  void put(u8 byte) override { bench.note(fmt::format("byte {:02x}", byte)); }
};
Unit pci_with_bridges(Bench& b) {
  auto host = std::make_unique<PciHost>(b.call("reset"));
  host->attach(0, 0,
               b.keep<I440fx>([&b](unsigned s, u8 p) { b.note(fmt::format("pam{} {}", s, p)); }));
  host->attach(1, 0, b.keep<Piix3Isa>(gsi_lines(b)));
  host->attach(1, 3,
               b.keep<Piix4Pm>([&b](auto at) { b.note(fmt::format("pm {:x}", at.value_or(0))); }));
  return {std::move(host)};
}

/// The VGA reached through the physical map: its window at A0000h, or the registers in BAR 2.
struct MappedVga final : Device, MmioHandler {
  MappedVga(Bench& b, u64 where)
      : memory(u64{1} << 20, u64{256} << 10), vga(b.clock, memory), base(where) {
    vga.set_up_as_firmware();
  }
  PhysicalMemory memory;
  Vga vga;
  u64 base;
  std::string_view name() const override { return "vga"; }
  u32 read(u32 offset, Width width) override {
    u32 value = 0;
    memory.read({base + offset}, std::span(reinterpret_cast<u8*>(&value), bytes(width)));
    return value;
  }
  void write(u32 offset, Width width, u32 value) override {
    memory.write({base + offset}, std::span(reinterpret_cast<u8*>(&value), bytes(width)));
    vga.write(offset % 0x30, Width::Word, value >> 8);
  }
  u64 mmio_read(u64 offset, unsigned) override { return memory.read<u64>({base + offset}); }
  void mmio_write(u64 offset, unsigned, u64 value) override {
    memory.write<u64>({base + offset}, value);
  }
  void reset() override {
    vga.reset();
    std::ranges::fill(memory.device_ram(), u8{0});
  }
  void fields(FieldVisitor& v) override {
    vga.fields(v);
    v.field("memory", memory.device_ram().data(), memory.device_ram().size());
  }
  void restored() override { vga.restored(); }
};
Unit vga_in_memory(Bench& b, u64 base) { return unit<MappedVga>(b, base); }
Unit ide_with_disks(Bench& b) {
  auto ide = std::make_unique<IdeController>(b.keep<PhysicalMemory>(u64{1} << 20),
                                             std::array{b.line("IRQ14"), b.line("IRQ15")});
  ide->connect<AtaDisk>(0, 0, b.keep<PatternMedium>(), AtaDisk::Identity{});
  ide->connect<AtapiCdRom>(1, 0, &b.keep<PatternMedium>(), "serial");
  ide->set_bus_master(true);
  ide->reset();
  return {std::move(ide)};
}

Unit virtio_input(Bench& b, VirtioInput::Kind kind) {
  auto& input = b.keep<VirtioInput>(kind);
  auto pci = std::make_unique<VirtioPci>(
      input, VirtioPci::Wiring{
                 .memory = b.keep<PhysicalMemory>(u64{1} << 20),
                 .io = b.keep<IoBus>(),
                 .intx = b.line("INTA"),
                 .send = [&b](u64 a, u32 d) { b.note(fmt::format("message {:x} {:x}", a, d)); },
                 .legacy = false});
  return {std::move(pci), nullptr, [&input](u32 n) {
            if (n & 1) return input.key(static_cast<u16>(n >> 8 & 0x7F), n & 2);
            n & 2 ? input.point(n >> 4 & 0xFFFF, n >> 16, 1, n & 7) : input.move(1, 2, 3, n & 7);
          }};
}

Unit virtio_block(Bench& b) {
  auto& block = b.keep<VirtioBlock>(b.keep<PatternMedium>(), "serial");
  auto pci = std::make_unique<VirtioPci>(
      block, VirtioPci::Wiring{
                 .memory = b.keep<PhysicalMemory>(u64{1} << 20),
                 .io = b.keep<IoBus>(),
                 .intx = b.line("INTA"),
                 .send = [&b](u64 a, u32 d) { b.note(fmt::format("message {:x} {:x}", a, d)); }});
  return {std::move(pci)};
}

// clang-format off
const Entry kDevices[] = {
    {"pic8259", 6, false, [](Bench& b) { return poked<Pic8259>([](Pic8259& d, u32 n) { n & 0x100 ? d.set_irq(n & 15, n & 16) : void(d.acknowledge()); }, b.line("INTR")); }},
    {"pit8254", 5, false, [](Bench& b) { return unit<Pit8254>(b.clock, b.line("IRQ0")); }},
    {"rtc146818", 2, true, [](Bench& b) { return unit<Rtc146818>(b.clock, b.line("IRQ8"), 951'782'399); }},
    {"hpet", 0x400, false, [](Bench& b) { return poked<Hpet>([](Hpet& d, u32 n) { (n & 1 ? d.pit_input() : d.rtc_input()).set(n & 2); }, b.clock, gsi_lines(b)); }},
    {"acpi_pm", 0x52, false, [](Bench& b) { return poked<AcpiPm>([](AcpiPm& d, u32 n) { n & 16 ? d.press_power_button() : d.raise_gpe(n & 15); }, b.clock, b.line("SCI"), b.call("power off")); }},
    {"lapic", 0x400, false, [](Bench& b) { return poked<LocalApic>([](LocalApic& d, u32 n) { n & 1 ? d.set_lint0(n & 2) : n & 4 ? d.set_lint1(n & 2) : void(d.acknowledge()); }, b.clock, b, b.apic_bus, LocalApic::Config{}, [] { return u8{0x20}; }); }},
    {"ioapic", 0x48, false, [](Bench& b) { lapic_of(b).write(0xF0, Width::Dword, 0x1FF); return poked<IoApic>([](IoApic& d, u32 n) { d.set_pin(n & 31, n & 32); }, b.apic_bus); }},
    {"uart16550", 8, false, [](Bench& b) { return poked<Uart16550>([](Uart16550& d, u32 n) { if (d.room()) n & 1 ? d.receive(static_cast<u8>(n >> 8)) : d.receive_break(); }, b.line("IRQ4"), b.keep<TracedSink>(b)); }},
    {"i8042", 0x38, false, [](Bench& b) { return poked<I8042>([](I8042& d, u32 n) { if (n & 4) d.mouse(static_cast<i8>(n >> 8), static_cast<i8>(n >> 16), 1, n >> 24 & 31); d.key(n & 1 ? 0xE000 | (n >> 8 & 0x7F) : n >> 8 & 0x7F, n & 2); }, b.clock, I8042::Pins{b.line("IRQ1"), b.line("IRQ12"), [&b](bool on) { b.line("A20").set(on); }, b.call("reset")}); }},
    {"pci", 8, false, pci_with_bridges},
    {"ide", 0x30, false, ide_with_disks},
    {"virtio-keyboard", VirtioPci::kModern + 0x40, false, [](Bench& b) { return virtio_input(b, VirtioInput::Kind::Keyboard); }},
    {"virtio-tablet", VirtioPci::kModern + 0x40, false, [](Bench& b) { return virtio_input(b, VirtioInput::Kind::Tablet); }},
    {"virtio-blk legacy", 0x80, false, virtio_block},
    {"virtio-blk", VirtioPci::kModern + 0x40, false, virtio_block},
    {"virtio-blk common", 0x40, false, [](Bench& b) { return unit<Part>(std::move(virtio_block(b).device), VirtioPci::kModern); }},
    {"virtio-blk modern", VirtioPci::kModernSize, false, [](Bench& b) { return unit<Part>(std::move(virtio_block(b).device), VirtioPci::kModern); }},
    {"virtio-blk msix", Msix::kSize, false, [](Bench& b) { return unit<Part>(std::move(virtio_block(b).device), VirtioPci::kMsix); }},
    {"configuration space", ConfigurationSpace::kFunctions * 0x100, false, [](Bench& b) { return unit<ConfigurationSpace>(b); }},
    {"shadow ram", 0x200, false, [](Bench&) { return unit<ShadowedRoms>(); }},
    {"dma8237", 0x40, false, [](Bench& b) { return poked<Dma8237>([](Dma8237& d, u32 n) { const u8 bytes[] = {1, 2, 3}; d.to_memory(n & 7, bytes); }, b.keep<PhysicalMemory>(u64{1} << 20)); }},
    {"fdc82077", 8, false, [](Bench& b) { auto& memory = b.keep<PhysicalMemory>(u64{1} << 20); auto& disk = b.keep<PatternMedium>(); disk.bytes = 1474560; return unit<Fdc82077>(b.line("IRQ6"), b.keep<Dma8237>(memory), std::array<Fdc82077::Drive, 2>{{{true, &disk}, {true, nullptr}}}); }},
    {"fw_cfg", 12, false, [](Bench& b) { return unit<FwCfg>(b.keep<PhysicalMemory>(u64{1} << 20)); }},
    {"pc-testdev", 0x118, false, [](Bench& b) { return unit<PcTestdev>(gsi_lines(b)); }},
    {"isa-debug-exit", 4, false, [](Bench& b) { return unit<DebugExit>([&b](int status) { b.note(fmt::format("exit {}", status)); }); }},
    {"debugcon", 1, false, [](Bench& b) { return unit<DebugCon>(b.keep<TracedSink>(b)); }},
    {"vga", 0x46, false, [](Bench& b) { return unit<Vga>(b.clock, b.keep<PhysicalMemory>(u64{1} << 20, u64{256} << 10)); }},
    {"vmmouse", 4, false, [](Bench& b) { return poked<VmMouse>([](VmMouse& d, u32 n) { d.move(n & 0xFFFF, n >> 16, n & 7, 1); }, VmMouse::Wires{[&b] { return BackdoorRegisters{0x564D5868, b.time.time % 3 ? 0x53424152u : 0x45414552u, static_cast<u32>(39 + b.time.time % 3)}; }, [&b](const BackdoorRegisters& r) { b.note(fmt::format("registers {:x}", r[1])); }, b.call("kick")}); }},
    {"vga memory", 0x20000, false, [](Bench& b) { return vga_in_memory(b, 0xA0000); }},
    {"vga registers", 0x1000, false, [](Bench& b) { return vga_in_memory(b, 0xFEBF0000); }},
    {"post", 1, false, [](Bench&) { return unit<PostPort>(); }},
};
// clang-format on

/// One device on its own bench.
struct Fixture {
  explicit Fixture(const Entry& e) : entry(e), unit(e.make(bench)) {}
  const Entry& entry;
  Bench bench;
  Unit unit;

  void access(u32 offset, Width width, bool write, u32 value) {
    if (write) return unit.device->write(offset, width, value & open_bus(width));
    const u32 got = unit.device->read(offset, width);
    bench.note(fmt::format("read {:x} {} = {:x}", offset, bytes(width), got));
  }
  void access_memory(u32 offset, unsigned size, bool write, u64 value) {
    if (write) return unit.mmio->mmio_write(offset, size, value);
    bench.note(
        fmt::format("read {:x} {} = {:x}", offset, size, unit.mmio->mmio_read(offset, size)));
  }

  /// A script of reads, writes, inputs and passing time that depends on `seed` only.
  void run_script(u32 seed, int steps) {
    std::mt19937 random(seed);
    for (int i = 0; i < steps; ++i) {
      const u32 kind = random() % 16, offset = random() % (entry.span + 8), value = random();
      const unsigned size = 1u << random() % 3;
      const u32 small = random() % 4 ? offset : offset & ~15u;  // where registers stand
      if (kind < 6) access(small, static_cast<Width>(size), true, value);
      if (kind >= 6 && kind < 11) access(small, static_cast<Width>(size), false, 0);
      if (kind == 11 && unit.mmio) access_memory(small & ~7u, 8, value & 1, u64{value} << 16);
      if (kind == 12 && unit.poke) unit.poke(value);
      if (kind == 13) bench.jump(value % 3'000'000'000);
      if (kind >= 14) bench.jump(value % 3'000);
    }
  }
};

std::vector<std::string> tail(const std::vector<std::string>& trace, size_t from) {
  return {trace.begin() + static_cast<std::ptrdiff_t>(from), trace.end()};
}

}  // namespace

TEST_CASE("contract: any accesses, then reset -> the state of a device that was just reset") {
  for (const Entry& entry : kDevices) {
    CAPTURE(entry.name);
    Fixture used(entry), fresh(entry);
    used.run_script(1, 2000);
    fresh.bench.jump(used.bench.time.time);
    used.unit.device->reset();
    fresh.unit.device->reset();
    const Image once = save(*used.unit.device);
    used.unit.device->reset();
    CHECK(save(*used.unit.device) == once);
    if (!entry.battery && !used.unit.poke) CHECK(save(*fresh.unit.device) == once);
  }
}

TEST_CASE("contract: save and restore -> equal state and equal behaviour from there") {
  for (const Entry& entry : kDevices) {
    for (u32 seed = 10; seed < 20; ++seed) {
      CAPTURE(entry.name, seed);
      Fixture a(entry), b(entry);
      a.run_script(seed, 300);
      b.bench.time.time = a.bench.time.time;
      b.bench.level = a.bench.level;
      restore(*b.unit.device, save(*a.unit.device));
      a.unit.device->restored();
      const size_t from_a = a.bench.trace.size(), from_b = b.bench.trace.size();
      REQUIRE(save(*b.unit.device) == save(*a.unit.device));
      if (entry.name == std::string("ioapic")) continue;  // its local APIC is not part of it
      a.run_script(seed + 100, 300);
      b.run_script(seed + 100, 300);
      CHECK(tail(b.bench.trace, from_b) == tail(a.bench.trace, from_a));
      CHECK(save(*b.unit.device) == save(*a.unit.device));
    }
  }
}

TEST_CASE("contract: every offset in every width -> no crash, values within the width") {
  for (const Entry& entry : kDevices) {
    CAPTURE(entry.name);
    Fixture f(entry);
    for (u32 offset = 0; offset < entry.span + 8; ++offset) {
      for (const Width width : {Width::Byte, Width::Word, Width::Dword}) {
        CAPTURE(offset);
        CHECK((f.unit.device->read(offset, width) & ~open_bus(width)) == 0);
        f.unit.device->write(offset, width, open_bus(width));
        f.bench.jump(1'000'000);
      }
    }
  }
}

TEST_CASE("contract: the same script twice -> the same trace") {
  for (const Entry& entry : kDevices) {
    CAPTURE(entry.name);
    Fixture a(entry), b(entry);
    a.run_script(7, 2000);
    b.run_script(7, 2000);
    CHECK_FALSE(a.bench.trace.empty());
    CHECK(a.bench.trace == b.bench.trace);
    CHECK(save(*a.unit.device) == save(*b.unit.device));
  }
}
