// SPDX-License-Identifier: MIT
#include "devices/i8042.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace ring3;

namespace {

struct Board {
  Board() { kbd.reset(); }
  bool irq1 = false, irq12 = false, a20 = false;
  int resets = 0;
  I8042 kbd{{.irq1 = IrqLine([this](bool l) { irq1 = l; }),
             .irq12 = IrqLine([this](bool l) { irq12 = l; }),
             .a20 = [this](bool on) { a20 = on; },
             .reset_machine = [this] { ++resets; }}};
  void data(u8 v) { kbd.write(I8042::kData, Width::Byte, v); }
  void command(u8 v) { kbd.write(I8042::kCommand, Width::Byte, v); }
  u8 status() { return static_cast<u8>(kbd.read(I8042::kCommand, Width::Byte)); }
  std::vector<u8> read_all() {
    std::vector<u8> got;
    while (status() & 1) got.push_back(static_cast<u8>(kbd.read(I8042::kData, Width::Byte)));
    return got;
  }
  void config(u8 v) {
    command(0x60);
    data(v);
  }
};
using Bytes = std::vector<u8>;

}  // namespace

TEST_CASE("i8042: self test and interface tests -> 55h, 00h, 00h") {
  Board b;
  b.command(0xAA);
  CHECK(b.read_all() == Bytes{0x55});
  b.command(0xAB);
  CHECK(b.read_all() == Bytes{0x00});
  b.command(0xA9);
  CHECK(b.read_all() == Bytes{0x00});
}

TEST_CASE("i8042: command byte -> reads back, gates the interrupt") {
  Board b;
  b.config(0x40);
  b.command(0x20);
  CHECK(b.read_all() == Bytes{0x40});
  b.kbd.key(0x1E, true);
  CHECK_FALSE(b.irq1);
  b.config(0x41);
  CHECK(b.irq1);
  CHECK(b.read_all() == Bytes{0x1E});
  CHECK_FALSE(b.irq1);
}

TEST_CASE("i8042: key with translation -> set 1 make and break") {
  Board b;
  b.config(0x41);
  b.kbd.key(0x1E, true);
  b.kbd.key(0x1E, false);
  b.kbd.key(0xE048, true);
  b.kbd.key(0xE048, false);
  CHECK(b.read_all() == Bytes{0x1E, 0x9E, 0xE0, 0x48, 0xE0, 0xC8});
}

TEST_CASE("i8042: every key of set 1 -> itself through set 2 and the translation") {
  Board b;
  b.config(0x41);
  for (u8 key = 1; key <= 0x58; ++key) {
    b.kbd.key(key, true);
    CHECK(b.read_all() == Bytes{key});
  }
}

TEST_CASE("i8042: key without translation -> set 2") {
  Board b;
  b.config(0x01);
  b.kbd.key(0x1E, true);
  b.kbd.key(0x1E, false);
  CHECK(b.read_all() == Bytes{0x1C, 0xF0, 0x1C});
}

TEST_CASE("i8042: keyboard commands -> the answers of an MF-II keyboard") {
  Board b;
  b.config(0x01);
  b.data(0xFF);
  CHECK(b.read_all() == Bytes{0xFA, 0xAA});
  b.data(0xF2);
  CHECK(b.read_all() == Bytes{0xFA, 0xAB, 0x83});
  b.data(0xEE);
  CHECK(b.read_all() == Bytes{0xEE});
  b.data(0xED);
  CHECK(b.read_all() == Bytes{0xFA});
  b.data(0x05);
  CHECK(b.read_all() == Bytes{0xFA});
  CHECK(b.kbd.leds() == 5);
  b.data(0xF0);
  b.data(0x00);
  CHECK(b.read_all() == Bytes{0xFA, 0xFA, 0x02});
}

TEST_CASE("i8042: scan set 3 -> its codes; only keys that were told to say when they go up") {
  Board b;
  b.config(0x01);
  b.data(0xF0);
  b.data(3);
  b.read_all();
  b.kbd.key(0x1E, true);
  b.kbd.key(0x1E, false);
  b.kbd.key(0x1D, true);
  b.kbd.key(0x1D, false);
  b.kbd.key(0xE048, true);
  CHECK(b.read_all() == Bytes{0x1C, 0x11, 0xF0, 0x11, 0x63});
  b.data(0xFC);  // make and break for the codes that follow
  b.data(0x1C);
  b.read_all();
  b.kbd.key(0x1E, false);
  b.kbd.key(0x1F, false);
  CHECK(b.read_all() == Bytes{0xF0, 0x1C});
  b.data(0xF8);  // for all
  CHECK(b.read_all() == Bytes{0xFA});
  b.kbd.key(0x1F, false);
  CHECK(b.read_all() == Bytes{0xF0, 0x1B});
  b.data(0xF0);
  b.data(0);
  CHECK(b.read_all() == Bytes{0xFA, 0xFA, 0x03});
}

TEST_CASE("i8042: mouse moves while it reports -> bytes marked as auxiliary") {
  Board b;
  b.command(0xD4);
  b.data(0xF4);
  b.read_all();
  b.kbd.mouse(1, -1, 0, 0);
  CHECK((b.status() & 0x21) == 0x21);
  CHECK(b.read_all() == Bytes{0x08, 1, 1});
}

TEST_CASE("i8042: scanning disabled -> keys are dropped until F4h") {
  Board b;
  b.config(0x01);
  b.data(0xF5);
  b.read_all();
  b.kbd.key(0x1E, true);
  CHECK(b.read_all().empty());
  b.data(0xF4);
  b.read_all();
  b.kbd.key(0x1E, true);
  CHECK(b.read_all() == Bytes{0x1C});
}

TEST_CASE("i8042: mouse reset and identify -> its answers, marked as auxiliary, on IRQ12") {
  Board b;
  b.config(0x03);
  b.command(0xD4);
  b.data(0xFF);
  CHECK((b.status() & 0x21) == 0x21);
  CHECK(b.irq12);
  CHECK_FALSE(b.irq1);
  CHECK(b.read_all() == Bytes{0xFA, 0xAA, 0x00});
  b.command(0xD4);
  b.data(0xF2);
  CHECK(b.read_all() == Bytes{0xFA, 0x00});
}

TEST_CASE("i8042: A20 by output port, by command and by port 92h -> one gate") {
  Board b;
  b.command(0xD1);
  b.data(0xDD);
  CHECK_FALSE(b.a20);
  b.kbd.write(I8042::kPort92, Width::Byte, 2);
  CHECK(b.a20);
  b.command(0xDD);
  CHECK_FALSE(b.a20);
  CHECK(b.kbd.read(I8042::kPort92, Width::Byte) == 0);
  b.command(0xD0);
  CHECK((b.read_all().at(0) & 3) == 1);
}

TEST_CASE("i8042: reset line by FEh, output port bit 0 and port 92h bit 0 -> machine reset") {
  Board b;
  b.command(0xFE);
  CHECK(b.resets == 1);
  b.command(0xFF);  // no line is pulsed
  CHECK(b.resets == 1);
  b.command(0xD1);
  b.data(0x02);
  CHECK(b.resets == 2);
  b.kbd.write(I8042::kPort92, Width::Byte, 3);
  CHECK(b.resets == 3);
}

TEST_CASE("i8042: a thousand keys unread -> the buffer is full, the rest is lost, nothing breaks") {
  Board b;
  b.config(0x01);
  for (int i = 0; i < 1000; ++i) b.kbd.key(0xE048, i & 1);
  CHECK(b.read_all().size() <= 33);
}
