// SPDX-License-Identifier: MIT
#include "devices/i8042.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "tests/devices/contract.h"

using namespace ring3;
using namespace ring3::test;

namespace {

struct Board {
  Board() { kbd.reset(); }
  bool irq1 = false, irq12 = false, a20 = false;
  int resets = 0;
  ManualTime time;
  EventClock clock{time};
  I8042 kbd{clock,
            {.irq1 = IrqLine([this](bool l) { irq1 = l; }),
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
  void pass(u64 milliseconds) {
    const Nanos end = time.time + milliseconds * 1'000'000;
    for (; clock.next_deadline() <= end; clock.run_due()) time.time = clock.next_deadline();
    time.time = end;
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
  b.kbd.key(0x1E, true);
  b.kbd.key(0x1E, false);
  b.kbd.key(0x1F, true);
  b.kbd.key(0x1F, false);
  CHECK(b.read_all() == Bytes{0x1C, 0xF0, 0x1C, 0x1B});
  b.data(0xF8);  // for all
  CHECK(b.read_all() == Bytes{0xFA});
  b.kbd.key(0x1F, true);
  b.kbd.key(0x1F, false);
  CHECK(b.read_all() == Bytes{0x1B, 0xF0, 0x1B});
  b.data(0xF0);
  b.data(0);
  CHECK(b.read_all() == Bytes{0xFA, 0xFA, 0x03});
}

TEST_CASE("i8042: a key that is held -> repeats after the delay, at the rate, until another one") {
  Board b;
  b.config(0x41);
  b.data(0xF3);
  b.data(0x20);  // 500 ms, then 30 a second
  b.read_all();
  b.kbd.key(0x1E, true);
  b.kbd.key(0x1E, true);  // the host's own repeats do not count
  CHECK(b.read_all() == Bytes{0x1E});
  b.pass(499);
  CHECK(b.read_all().empty());
  b.pass(2);
  CHECK(b.read_all() == Bytes{0x1E});
  b.pass(1000);  // nobody reads: one stands in the controller, one in the keyboard
  CHECK(b.read_all() == Bytes{0x1E, 0x1E});
  b.pass(34);
  CHECK(b.read_all() == Bytes{0x1E});
  b.kbd.key(0x1F, true);
  b.kbd.key(0x1E, false);
  CHECK(b.read_all() == Bytes{0x1F, 0x9E});
  b.pass(501);
  CHECK(b.read_all() == Bytes{0x1F});
  b.kbd.key(0x1F, false);
  CHECK(b.read_all() == Bytes{0x9F});
  b.pass(2000);
  CHECK(b.read_all().empty());
}

TEST_CASE("i8042: scan set 3 without typematic keys -> no repeats; with all -> repeats") {
  Board b;
  b.config(0x01);
  for (const u8 byte : {0xF0, 0x03, 0xF8}) b.data(byte);
  b.read_all();
  b.kbd.key(0x1E, true);
  b.read_all();
  b.pass(3000);
  CHECK(b.read_all().empty());
  b.data(0xFA);
  b.read_all();
  b.kbd.key(0x1F, true);
  b.read_all();
  b.pass(501);
  CHECK(b.read_all() == Bytes{0x1B});
}

TEST_CASE("i8042: Pause -> its sequence in every set, nothing when it goes up; Control: Break") {
  Board b;
  const auto pressed = [&b] {
    b.kbd.key(Ps2Keyboard::kPause, true);
    b.kbd.key(Ps2Keyboard::kPause, false);
    return b.read_all();
  };
  b.config(0x41);
  CHECK(pressed() == Bytes{0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5});
  b.kbd.key(0x1D, true);
  CHECK(pressed() == Bytes{0x1D, 0xE0, 0x46, 0xE0, 0xC6});
  b.kbd.key(0x1D, false);
  b.read_all();
  b.config(0x01);
  CHECK(pressed() == Bytes{0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77});
  b.data(0xF0);
  b.data(1);
  b.read_all();
  CHECK(pressed() == Bytes{0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5});
  b.data(0xF0);
  b.data(3);
  b.read_all();
  CHECK(pressed() == Bytes{0x62});
}

TEST_CASE("i8042: scan set 1 from the keyboard -> make and break in one byte") {
  Board b;
  b.config(0x01);
  b.data(0xF0);
  b.data(1);
  b.read_all();
  b.kbd.key(0x1E, true);
  b.kbd.key(0x1E, false);
  b.kbd.key(0xE048, true);
  b.kbd.key(0xE048, false);
  CHECK(b.read_all() == Bytes{0x1E, 0x9E, 0xE0, 0x48, 0xE0, 0xC8});
}

TEST_CASE("i8042: a command while keys wait -> their codes are kept, the answer comes between") {
  Board b;
  b.config(0x41);
  for (const u16 key : {0x1E, 0x1F}) {
    b.kbd.key(key, true);
    b.kbd.key(key, false);
  }
  b.data(0xED);
  b.data(2);
  Bytes got = b.read_all();
  CHECK(std::erase(got, 0xFA) == 2);
  CHECK(got == Bytes{0x1E, 0x9E, 0x1F, 0x9F});
  CHECK(b.kbd.leds() == 2);
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

TEST_CASE(
    "i8042: a thousand keys unread -> those that fit arrive whole, in order, none stays down") {
  Board b;
  b.config(0x41);
  for (int i = 0; i < 1000; ++i) {
    b.kbd.key(0x1D, true);
    b.kbd.key(0xE048, true);
    b.kbd.key(0xE048, false);
    b.kbd.key(0x1D, false);
  }
  const Bytes got = b.read_all();
  CHECK(got.size() > 1000);
  CHECK(got.size() < 2000);
  const auto count = [&got](u8 byte) { return std::ranges::count(got, byte); };
  CHECK(count(0x1D) == count(0x9D));
  CHECK(count(0x48) == count(0xC8));
}
