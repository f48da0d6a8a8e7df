// SPDX-License-Identifier: MIT
// Parts of chips for the contract test, which reaches registers by offsets from 0: register blocks
// that stand elsewhere, configuration space, and what PAM registers do to memory.
#pragma once

#include <algorithm>

#include "devices/i440fx.h"
#include "devices/piix.h"
#include "devices/shadow_ram.h"
#include "devices/vga_pci.h"
#include "tests/devices/contract.h"
#include "tests/devices/virtio_bench.h"

namespace ring3::test {

/// The registers of a device from an offset on.
struct Part final : Device {
  Part(std::unique_ptr<Device> d, u32 at) : device(std::move(d)), base(at) {}
  std::unique_ptr<Device> device;
  u32 base;
  std::string_view name() const override { return device->name(); }
  u32 read(u32 offset, Width width) override { return device->read(base + offset, width); }
  void write(u32 offset, Width width, u32 value) override {
    device->write(base + offset, width, value);
  }
  void reset() override { device->reset(); }
  void fields(FieldVisitor& v) override { device->fields(v); }
  void restored() override { device->restored(); }
};

/// The configuration space of every function of the board, 256 bytes each, by mechanism 1.
struct ConfigurationSpace final : Device {
  static constexpr u32 kFunctions = 7;
  explicit ConfigurationSpace(Bench& b) : host(b.call("reset")) {
    const auto placed = [&b](const char* what) {
      return [&b, what](auto at) { b.note(fmt::format("{} {:x}", what, at.value_or(0))); };
    };
    const auto attach = [this](PciDevice& function) {
      host.attach(next / 8, next % 8, function);
      ++next;
    };
    attach(b.keep<I440fx>([&b](unsigned s, u8 p) { b.note(fmt::format("pam{} {}", s, p)); }));
    attach(
        b.keep<Piix3Isa>([&b](unsigned irq, bool on) { b.note(fmt::format("{} {}", irq, on)); }));
    attach(b.keep<Piix3Ide>(placed("ide"), [&b](bool on) { b.note(on ? "master" : "slave"); }));
    attach(b.keep<Piix4Pm>(placed("pm")));
    attach(b.keep<VgaFunction>(u64{16} << 20, u64{0x10000}, b.call("vga moved")));
    virtio.emplace(b.keep<VirtioBlock>(b.keep<PatternMedium>(), "serial"),
                   VirtioPci::Wiring{.memory = b.keep<PhysicalMemory>(u64{1} << 20),
                                     .io = b.keep<IoBus>(),
                                     .intx = b.line("INTA"),
                                     .send = [](u64, u32) {}});
    attach(virtio->function());
  }
  PciHost host;
  std::optional<VirtioPci> virtio;
  unsigned next = 0;

  std::string_view name() const override { return "configuration space"; }
  u32 select(u32 offset) {
    host.write(0, Width::Dword, 1u << 31 | (offset & 0xFFFC));
    return 4 + (offset & 3);
  }
  u32 read(u32 offset, Width width) override { return host.read(select(offset), width); }
  void write(u32 offset, Width width, u32 value) override {
    host.write(select(offset), width, value);
  }
  void reset() override { host.reset(); }
  void fields(FieldVisitor& v) override { host.fields(v); }
  void restored() override { host.restored(); }
};

/// C0000h-FFFFFh with a BIOS and an option ROM under the PAM registers at offsets 0-6.
struct ShadowedRoms final : Device {
  static constexpr u32 kStart = 0xC'0000, kSize = 0x4'0000, kRegisters = 16, kFirstPam = 0x59;
  ShadowedRoms() {
    roms.add_rom(PhysAddr{0xE'0000}, std::vector<u8>(0x2'0000, 0xB1));
    roms.add_rom(PhysAddr{0xC'0000}, std::vector<u8>(0x9000, 0xC1));
  }
  PhysicalMemory memory{u64{1} << 20};
  ShadowRam roms{memory};
  I440fx bridge{[this](unsigned segment, u8 pam) {
    const I440fx::PamSegment s = I440fx::pam_segment(segment);
    roms.set_segment(s.start, s.size, pam);
  }};

  std::string_view name() const override { return "shadow ram"; }
  static PhysAddr address(u32 offset) { return {kStart + u64{offset} * 997 % kSize}; }
  u32 read(u32 offset, Width width) override {
    u32 value = 0;
    if (offset < kRegisters)
      return bridge.config_read(static_cast<u8>(kFirstPam + offset % 7), Width::Byte);
    memory.read(address(offset), std::span(reinterpret_cast<u8*>(&value), bytes(width)));
    return value;
  }
  void write(u32 offset, Width width, u32 value) override {
    if (offset < kRegisters)
      return bridge.config_write(static_cast<u8>(kFirstPam + offset % 7), Width::Byte,
                                 value & 0xFF);
    memory.write(address(offset), std::span(reinterpret_cast<const u8*>(&value), bytes(width)));
  }
  void reset() override {
    bridge.reset();
    std::ranges::fill(memory.ram(), u8{0});
  }
  void fields(FieldVisitor& v) override {
    bridge.fields(v, "");
    v.field("ram", memory.ram().data(), memory.ram().size());
  }
  void restored() override { bridge.restored(); }
};

}  // namespace ring3::test
