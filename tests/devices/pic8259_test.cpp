// SPDX-License-Identifier: MIT
#include "devices/pic8259.h"

#include <catch2/catch.hpp>

#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

/// The pair as a PC's firmware sets it up: vectors 08h and 70h, nothing masked.
struct Fixture {
  Bench bench;
  Pic8259 pic{bench.line("INTR")};
  explicit Fixture(u8 icw4 = 0x01) {
    init(0, 0x08, 0x04, icw4);
    init(2, 0x70, 0x02, 0x01);
  }
  void init(u32 base, u8 vector, u8 icw3, u8 icw4) {
    out(base, 0x11);
    out(base + 1, vector);
    out(base + 1, icw3);
    out(base + 1, icw4);
  }
  void out(u32 offset, u8 value) { pic.write(offset, Width::Byte, value); }
  u32 in(u32 offset) { return pic.read(offset, Width::Byte); }
  u32 isr(u32 base) {
    out(base, 0x0B);
    return in(base);
  }
  u32 irr(u32 base) {
    out(base, 0x0A);
    return in(base);
  }
  void raise(unsigned irq) { pic.set_irq(irq, true); }
  void lower(unsigned irq) { pic.set_irq(irq, false); }
  bool intr() { return pic.intr(); }
};

}  // namespace

TEST_CASE("8259: a rise at IR0 -> INTR, vector ICW2 + 0, in service until EOI") {
  Fixture f;
  f.raise(0);
  CHECK(f.bench.level["INTR"]);
  CHECK(f.irr(0) == 1);
  CHECK(f.pic.acknowledge() == 0x08);
  CHECK_FALSE(f.bench.level["INTR"]);
  CHECK(f.irr(0) == 0);
  CHECK(f.isr(0) == 1);
  f.out(0, 0x20);
  CHECK(f.isr(0) == 0);
  CHECK_FALSE(f.intr());  // still high, but an edge was asked for
}

TEST_CASE("8259: a request that goes away before the acknowledge -> spurious IR7, no ISR bit") {
  Fixture f;
  f.raise(3);
  f.lower(3);
  CHECK_FALSE(f.intr());
  CHECK(f.pic.acknowledge() == 0x0F);
  CHECK(f.isr(0) == 0);
}

TEST_CASE("8259: the slave's request goes away -> the cascade falls with it, IR7 of the master") {
  Fixture f;
  f.raise(10);
  CHECK(f.irr(0) == 0x04);
  f.out(3, 0x04);  // masked at the slave: its INT falls
  CHECK(f.irr(0) == 0x00);
  CHECK_FALSE(f.intr());
  CHECK(f.pic.acknowledge() == 0x0F);
  CHECK(f.isr(0) == 0x00);
  f.out(3, 0x00);
  CHECK(f.pic.acknowledge() == 0x72);
  CHECK(f.isr(0) == 0x04);
  CHECK(f.isr(2) == 0x04);
}

TEST_CASE("8259: fully nested -> higher interrupts the service, lower waits for EOI") {
  Fixture f;
  f.raise(4);
  CHECK(f.pic.acknowledge() == 0x0C);
  f.raise(5);
  CHECK_FALSE(f.intr());
  f.raise(1);
  CHECK(f.pic.acknowledge() == 0x09);
  f.out(0, 0x20);
  CHECK_FALSE(f.intr());
  f.out(0, 0x20);
  CHECK(f.pic.acknowledge() == 0x0D);
}

TEST_CASE("8259: two requests at the slave -> the second after the EOI at both") {
  Fixture f;
  f.raise(9);
  f.raise(8);
  CHECK(f.pic.acknowledge() == 0x70);
  CHECK_FALSE(f.intr());
  f.out(2, 0x20);
  CHECK_FALSE(f.intr());
  f.out(0, 0x20);
  CHECK(f.pic.acknowledge() == 0x71);
}

TEST_CASE("8259: special fully nested master -> a higher slave request interrupts the slave's") {
  Fixture f(0x11);
  f.raise(12);
  CHECK(f.pic.acknowledge() == 0x74);
  f.raise(8);
  CHECK(f.intr());
  CHECK(f.pic.acknowledge() == 0x70);
}

TEST_CASE("8259: ELCR level -> asserted again after EOI while the line is high") {
  Fixture f;
  f.out(4, 0x20);
  f.raise(5);
  CHECK(f.pic.acknowledge() == 0x0D);
  f.out(0, 0x65);
  CHECK(f.intr());
  f.lower(5);
  CHECK_FALSE(f.intr());
}

TEST_CASE("8259: ELCR -> IRQ 0, 1, 2, 8 and 13 stay edge triggered") {
  Fixture f;
  f.out(4, 0xFF);
  f.out(5, 0xFF);
  CHECK(f.in(4) == 0xF8);
  CHECK(f.in(5) == 0xDE);
}

TEST_CASE("8259: rotate on non-specific EOI -> the served IR gets the lowest priority") {
  Fixture f;
  f.raise(4);
  f.raise(6);
  CHECK(f.pic.acknowledge() == 0x0C);
  f.lower(4);
  f.out(0, 0xA0);
  f.raise(4);
  CHECK(f.pic.acknowledge() == 0x0E);
}

TEST_CASE("8259: set priority -> IR3 lowest, IR4 highest") {
  Fixture f;
  f.out(0, 0xC3);
  f.raise(0);
  f.raise(3);
  f.raise(4);
  CHECK(f.pic.acknowledge() == 0x0C);
  f.out(0, 0x20);
  CHECK(f.pic.acknowledge() == 0x08);
  f.out(0, 0x20);
  CHECK(f.pic.acknowledge() == 0x0B);
}

TEST_CASE("8259: automatic EOI -> never in service; rotating, the served IR becomes lowest") {
  Fixture f(0x03);
  f.out(0, 0x80);
  f.raise(0);
  f.raise(1);
  CHECK(f.pic.acknowledge() == 0x08);
  CHECK(f.isr(0) == 0);
  f.lower(0);
  f.raise(0);
  CHECK(f.pic.acknowledge() == 0x09);
  CHECK(f.pic.acknowledge() == 0x08);
}

TEST_CASE("8259: special mask mode -> a masked IR in service lets lower ones through") {
  Fixture f;
  f.raise(3);
  f.pic.acknowledge();
  f.raise(5);
  f.out(1, 0x08);
  CHECK_FALSE(f.intr());
  f.out(0, 0x68);
  CHECK(f.intr());
  CHECK(f.pic.acknowledge() == 0x0D);
  f.out(0, 0x20);  // does not touch the masked bit
  CHECK(f.isr(0) == 0x08);
}

TEST_CASE("8259: poll -> the request in bits 2-0 with bit 7, and it is in service") {
  Fixture f;
  f.out(0, 0x0C);
  CHECK(f.in(0) == 0x00);
  f.raise(6);
  f.out(0, 0x0C);
  CHECK(f.in(0) == 0x86);
  CHECK(f.isr(0) == 0x40);
}

TEST_CASE("8259: ICW1 -> mask cleared, a line that is already high needs a new edge") {
  Fixture f;
  f.out(1, 0xFF);
  f.raise(1);
  f.init(0, 0x20, 0x04, 0x01);
  CHECK(f.in(1) == 0x00);
  CHECK_FALSE(f.intr());
  f.lower(1);
  f.raise(1);
  CHECK(f.pic.acknowledge() == 0x21);
}

TEST_CASE("8259: the mask register reads back, as probes for its presence expect") {
  Fixture f;
  f.out(3, 0xFF);
  f.out(1, 0xFB);
  CHECK(f.in(1) == 0xFB);
  CHECK(f.in(3) == 0xFF);
}
