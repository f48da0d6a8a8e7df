// SPDX-License-Identifier: MIT
#include "devices/pci.h"

#include <catch2/catch.hpp>
#include <map>
#include <optional>

#include "devices/i440fx.h"
#include "devices/piix.h"

using namespace ring3;

namespace {

struct TestCard final : PciDevice {
  TestCard() : PciDevice({.vendor = 0x1234, .device = 0x5678, .class_code = 0x020000}) {
    add_bar(0, BarKind::Memory32, 0x1000);
    add_bar(1, BarKind::Io, 32);
    add_bar(2, BarKind::Prefetch64, u64{1} << 33);
  }
};

struct Bus {
  int resets = 0;
  std::map<unsigned, u8> pam;
  std::map<unsigned, bool> irq;
  std::optional<u16> pm;
  I440fx host_bridge{[this](unsigned segment, u8 bits) { pam[segment] = bits; }};
  Piix3Isa isa{[this](unsigned line, bool level) { irq[line] = level; }};
  Piix4Pm power{[this](std::optional<u16> base) { pm = base; }};
  TestCard card;
  PciHost host{[this] { ++resets; }};
  Bus() {
    host.attach(0, 0, host_bridge);
    host.attach(1, 0, isa);
    host.attach(1, 3, power);
    host.attach(3, 0, card);
    host.reset();
  }
  void address(unsigned device, unsigned function, u8 reg) {
    host.write(0, Width::Dword, 0x80000000u | device << 11 | function << 8 | (reg & 0xFC));
  }
  u32 read(unsigned device, unsigned function, u8 reg, Width w = Width::Dword) {
    address(device, function, reg);
    return host.read(4 + (reg & 3), w);
  }
  void write(unsigned device, unsigned function, u8 reg, u32 value, Width w = Width::Dword) {
    address(device, function, reg);
    host.write(4 + (reg & 3), w, value);
  }
};

}  // namespace

TEST_CASE("pci: the board's bridges -> QEMU's identities, classes and power-on values") {
  Bus b;
  CHECK(b.read(0, 0, 0x00) == 0x12378086);
  CHECK(b.read(0, 0, 0x08) == 0x06000002);
  CHECK(b.read(0, 0, 0x2C) == 0x11001AF4);
  CHECK(b.read(1, 0, 0x00) == 0x70008086);
  CHECK(b.read(1, 0, 0x04) == 0x02000000);
  CHECK(b.read(1, 0, 0x0C) == 0x00800000);
  CHECK(b.read(1, 0, 0x60) == 0x80808080);
  CHECK(b.read(1, 3, 0x00) == 0x71138086);
  CHECK(b.read(1, 3, 0x08) == 0x06800003);
  CHECK(b.read(1, 3, 0x3C) == 0x00000100);
}

TEST_CASE("pci: nobody there, another bus, or not enabled -> all ones, writes dropped") {
  Bus b;
  CHECK(b.read(5, 0, 0) == 0xFFFFFFFF);
  CHECK(b.read(5, 0, 0, Width::Word) == 0xFFFF);
  b.host.write(0, Width::Dword, 0x80010000);
  CHECK(b.host.read(4, Width::Dword) == 0xFFFFFFFF);
  b.host.write(0, Width::Dword, 0);
  CHECK(b.host.read(4, Width::Dword) == 0xFFFFFFFF);
  b.host.write(4, Width::Dword, 0);
}

TEST_CASE("pci: bytes and words of a register -> the parts of the dword") {
  Bus b;
  CHECK(b.read(0, 0, 2, Width::Word) == 0x1237);
  CHECK(b.read(0, 0, 1, Width::Byte) == 0x80);
  b.write(0, 0, 0x55, 0xAB, Width::Byte);
  CHECK(b.read(0, 0, 0x54) == 0x1000AB00);
}

TEST_CASE("pci: CF8h by dword only -> it reads back; a byte write does not touch it") {
  Bus b;
  b.host.write(0, Width::Dword, 0xFFFFFFFF);
  CHECK(b.host.read(0, Width::Dword) == 0x80FFFFFC);
  b.host.write(0, Width::Byte, 0);
  CHECK(b.host.read(0, Width::Dword) == 0x80FFFFFC);
}

TEST_CASE("pci: read-only registers -> keep their value") {
  Bus b;
  b.write(0, 0, 0x00, 0);
  b.write(0, 0, 0x08, 0);
  CHECK(b.read(0, 0, 0x00) == 0x12378086);
  CHECK(b.read(0, 0, 0x08) == 0x06000002);
  b.write(0, 0, 0x04, 0xFFFFFFFF);
  CHECK(b.read(0, 0, 0x04) == 0x00000507);
}

TEST_CASE("pci: BAR sizing -> the size by writing ones, then the address") {
  Bus b;
  b.write(3, 0, 0x10, 0xFFFFFFFF);
  CHECK(b.read(3, 0, 0x10) == 0xFFFFF000);
  b.write(3, 0, 0x14, 0xFFFFFFFF);
  CHECK(b.read(3, 0, 0x14) == 0xFFFFFFE1);
  b.write(3, 0, 0x18, 0xFFFFFFFF);
  b.write(3, 0, 0x1C, 0xFFFFFFFF);
  CHECK(b.read(3, 0, 0x18) == 0x0000000C);
  CHECK(b.read(3, 0, 0x1C) == 0xFFFFFFFE);
  b.write(3, 0, 0x1C, 0x10);
  CHECK(b.card.bar_address(2) == 0x1000000000);
  b.write(3, 0, 0x14, 0xC040);
  CHECK(b.card.bar_address(1) == 0xC040);
  CHECK(b.read(3, 0, 0x20) == 0);  // no BAR there
}

TEST_CASE("pci: CF9h bit 2 rises -> reset, once per rise") {
  Bus b;
  b.host.write(1, Width::Byte, 2);
  CHECK(b.resets == 0);
  b.host.write(1, Width::Byte, 6);
  CHECK(b.resets == 1);
}

TEST_CASE("i440fx: PAM writes -> each segment's new bits are told once") {
  Bus b;
  b.write(0, 0, 0x59, 0x30, Width::Byte);
  CHECK(b.pam == std::map<unsigned, u8>{{0, 3}});
  b.write(0, 0, 0x5A, 0x21, Width::Byte);
  CHECK(b.pam == std::map<unsigned, u8>{{0, 3}, {1, 1}, {2, 2}});
  CHECK(I440fx::pam_segment(1).start == 0xC0000);
  CHECK(I440fx::pam_segment(12).start == 0xEC000);
}

TEST_CASE("piix4: PMBA and its enable bit -> the registers move") {
  Bus b;
  CHECK_FALSE(b.pm);
  b.power.enable_at(0x600);
  CHECK(b.pm == 0x600);
  CHECK(b.read(1, 3, 0x40) == 0x601);
  b.write(1, 3, 0x40, 0xB000);
  CHECK(b.pm == 0xB000);
  b.write(1, 3, 0x80, 0, Width::Byte);
  CHECK_FALSE(b.pm);
}

TEST_CASE("piix3: PIRQ routing -> pins that share a line are ORed, rotation by slot") {
  Bus b;
  b.isa.set_pirq_route(0, 10);
  b.isa.set_pin(1, 0, true);
  CHECK(b.irq[10]);
  b.isa.set_pin(2, 3, true);  // slot 2 INTD# is PIRQA as well
  b.isa.set_pin(1, 0, false);
  CHECK(b.irq[10]);
  b.isa.set_pin(2, 3, false);
  CHECK_FALSE(b.irq[10]);
  b.isa.set_pin(1, 0, true);
  b.isa.set_pirq_route(0, 0x80);
  CHECK_FALSE(b.irq[10]);
}
