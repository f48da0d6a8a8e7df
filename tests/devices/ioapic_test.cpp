// SPDX-License-Identifier: MIT
#include "devices/ioapic.h"

#include <catch2/catch.hpp>

#include "devices/lapic.h"
#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

struct Fixture {
  Bench bench;
  LocalApic apic{bench.clock, bench, bench.apic_bus, {}, [] { return u8{0}; }};
  IoApic io{bench.apic_bus};
  Fixture() { apic.write(0xF0, Width::Dword, 0x1FF); }
  void set(u8 index, u32 value) {
    io.write(0x00, Width::Dword, index);
    io.write(0x10, Width::Dword, value);
  }
  u32 get(u8 index) {
    io.write(0x00, Width::Dword, index);
    return io.read(0x10, Width::Dword);
  }
  void route(unsigned pin, u32 low, u8 destination = 0) {
    set(static_cast<u8>(0x11 + 2 * pin), u32{destination} << 24);
    set(static_cast<u8>(0x10 + 2 * pin), low);
  }
  u32 low(unsigned pin) { return get(static_cast<u8>(0x10 + 2 * pin)); }
  void eoi() { apic.write(0xB0, Width::Dword, 0); }
};

constexpr u32 kLevel = 0x8000, kMasked = 0x10000, kRemoteIrr = 0x4000;

}  // namespace

TEST_CASE("IOAPIC: identification -> version 20h, 24 pins, 4 id bits, all masked") {
  Fixture f;
  CHECK(f.get(1) == 0x00170020);
  f.set(0, 0xFF000000);
  CHECK(f.get(0) == 0x0F000000);
  CHECK(f.low(0) == kMasked);
  CHECK(f.low(23) == kMasked);
}

TEST_CASE("IOAPIC edge: a rise -> one interrupt; at a masked pin it is lost") {
  Fixture f;
  f.route(4, 0x41 | kMasked);
  f.io.set_pin(4, true);
  f.route(4, 0x41);
  CHECK_FALSE(f.apic.acknowledge().has_value());
  f.io.set_pin(4, false);
  f.io.set_pin(4, true);
  CHECK(f.apic.acknowledge() == 0x41);
  f.eoi();
  CHECK_FALSE(f.apic.acknowledge().has_value());
}

TEST_CASE("IOAPIC level: remote IRR until the EOI, then again while the line is high") {
  Fixture f;
  f.route(10, 0x51 | kLevel);
  f.io.set_pin(10, true);
  CHECK((f.low(10) & kRemoteIrr) != 0);
  CHECK(f.apic.acknowledge() == 0x51);
  f.eoi();
  CHECK(f.apic.acknowledge() == 0x51);
  f.io.set_pin(10, false);
  f.eoi();
  CHECK((f.low(10) & kRemoteIrr) == 0);
  CHECK_FALSE(f.apic.acknowledge().has_value());
}

TEST_CASE("IOAPIC level: unmasked with the line high -> served at once") {
  Fixture f;
  f.route(10, 0x51 | kLevel | kMasked);
  f.io.set_pin(10, true);
  f.route(10, 0x51 | kLevel);
  CHECK(f.apic.acknowledge() == 0x51);
}

TEST_CASE("IOAPIC EOI: the register, and the way over edge mode, clear remote IRR") {
  Fixture f;
  f.route(10, 0x51 | kLevel);
  f.io.set_pin(10, true);
  f.io.set_pin(10, false);
  f.io.write(0x40, Width::Dword, 0x51);
  CHECK((f.low(10) & kRemoteIrr) == 0);
  f.io.set_pin(10, true);
  f.io.set_pin(10, false);
  CHECK((f.low(10) & kRemoteIrr) != 0);
  f.set(0x10 + 20, 0x51 | kMasked);
  CHECK((f.low(10) & kRemoteIrr) == 0);
}

TEST_CASE("IOAPIC: read-only bits of an entry do not take writes") {
  Fixture f;
  f.route(3, 0xFFFFFFFF, 0xAB);
  CHECK(f.low(3) == 0x0001AFFF);
  CHECK(f.get(0x11 + 6) == 0xAB000000);
}

TEST_CASE("IOAPIC: destinations -> physical id, broadcast, logical flat; nobody else") {
  Fixture f;
  f.apic.write(0xD0, Width::Dword, 0x02000000);
  const auto delivered = [&](u32 entry, u8 destination) {
    f.route(5, entry, destination);
    f.io.set_pin(5, true);
    f.io.set_pin(5, false);
    const bool got = f.apic.acknowledge().has_value();
    f.eoi();
    return got;
  };
  CHECK(delivered(0x61, 0));
  CHECK_FALSE(delivered(0x61, 1));
  CHECK(delivered(0x61, 0xFF));
  CHECK(delivered(0x61 | 0x800, 0x02));
  CHECK_FALSE(delivered(0x61 | 0x800, 0x01));
  CHECK(delivered(0x61 | 0x900, 0x03));
}

TEST_CASE("IOAPIC: NMI delivery -> the NMI pin") {
  Fixture f;
  f.route(7, 0x400);
  f.io.set_pin(7, true);
  CHECK(f.bench.nmis == 1);
}
