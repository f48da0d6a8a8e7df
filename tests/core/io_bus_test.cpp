// SPDX-License-Identifier: MIT
#include "core/io_bus.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>

using namespace ring3;

namespace {

/// Logs its accesses; reads its tag and offset in every byte.
struct Probe final : Device {
  u8 tag;
  Width widest;
  std::string log;
  explicit Probe(u8 t, Width w = Width::Dword) : tag(t), widest(w) {}
  std::string_view name() const override { return "probe"; }
  u32 read(u32 offset, Width width) override {
    log += fmt::format("r{}:{} ", offset, bytes(width));
    u32 value = 0;
    for (u32 i = 0; i < 4; ++i) value |= (tag + offset + i) << (8 * i);
    return value;
  }
  void write(u32 offset, Width width, u32 value) override {
    log += fmt::format("w{}:{}={:x} ", offset, bytes(width), value);
  }
  Width max_width() const override { return widest; }
  void reset() override {}
  void fields(FieldVisitor&) override {}
};

}  // namespace

TEST_CASE("IoBus: nothing mapped -> open bus, writes are dropped") {
  IoBus bus;
  CHECK(bus.read(0x80, Width::Byte) == 0xFF);
  CHECK(bus.read(0x80, Width::Word) == 0xFFFF);
  CHECK(bus.read(0xFFFF, Width::Dword) == 0xFFFFFFFF);
  bus.write(0xFFFF, Width::Dword, 1);
}

TEST_CASE("IoBus: a mapped range -> offsets from its base plus the given one") {
  IoBus bus;
  Probe p(0x10);
  bus.map(0x60, 5, p, 2);
  CHECK(bus.read(0x64, Width::Byte) == 0x16);
  CHECK(bus.read(0x65, Width::Byte) == 0xFF);
  bus.write(0x60, Width::Dword, 0x11223344);
  CHECK(p.log == "r6:1 w2:4=11223344 ");
}

TEST_CASE("IoBus: ranges overlap -> the later one wins, unmapping leaves nothing") {
  IoBus bus;
  Probe below(0x10), above(0x80);
  bus.map(0x100, 8, below);
  bus.map(0x102, 2, above);
  CHECK(bus.read(0x101, Width::Byte) == 0x11);
  CHECK(bus.read(0x102, Width::Byte) == 0x80);
  CHECK(bus.read(0x104, Width::Byte) == 0x14);
  bus.unmap(0x102, 2);
  CHECK(bus.read(0x102, Width::Byte) == 0xFF);
}

TEST_CASE("IoBus: an access past the end of a range -> bytes, each to where it belongs") {
  IoBus bus;
  Probe low(0x10), high(0x80);
  bus.map(0x100, 2, low);
  bus.map(0x102, 1, high);
  CHECK(bus.read(0x101, Width::Dword) == 0xFFFF8011);
  bus.write(0x101, Width::Dword, 0x44332211);
  CHECK(low.log == "r1:1 w1:1=11 ");
  CHECK(high.log == "r0:1 w0:1=22 ");
}

TEST_CASE("IoBus: an access wider than the device -> its widest pieces, lowest first") {
  IoBus bus;
  Probe byte(0x10, Width::Byte), word(0x20, Width::Word);
  bus.map(0x100, 4, byte);
  bus.map(0x104, 4, word);
  CHECK(bus.read(0x100, Width::Word) == 0x1110);
  CHECK(bus.read(0x104, Width::Dword) == 0x23222120);
  bus.write(0x104, Width::Dword, 0x44332211);
  CHECK(byte.log == "r0:1 r1:1 ");
  CHECK(word.log == "r0:2 r2:2 w0:2=2211 w2:2=4433 ");
}

TEST_CASE("IoBus: the last ports -> bytes past FFFFh are open bus") {
  IoBus bus;
  Probe p(0x10);
  bus.map(0xFFFE, 2, p);
  CHECK(bus.read(0xFFFF, Width::Dword) == 0xFFFFFF11);
  bus.write(0xFFFF, Width::Word, 0x2211);
  CHECK(p.log == "r1:1 w1:1=11 ");
}

TEST_CASE("IoBus: a range that moves a hundred thousand times -> the last place holds") {
  IoBus bus;
  Probe fixed(0x10), moving(0x40);
  bus.map(0x60, 1, fixed);
  for (u32 i = 0; i < 100'000; ++i) {
    const u16 base = static_cast<u16>(0x1000 + i % 0x4000 * 2);
    bus.map(base, 2, moving);
    bus.unmap(base, 2);
  }
  bus.map(0xC000, 2, moving);
  CHECK(bus.read(0xC001, Width::Byte) == 0x41);
  CHECK(bus.read(0x60, Width::Byte) == 0x10);
}
