// SPDX-License-Identifier: MIT
#include "devices/uart16550.h"

#include <catch2/catch.hpp>
#include <string>

using namespace ring3;

namespace {

enum Reg : u32 { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

struct StringSink final : ByteSink {
  std::string text;
  void put(u8 byte) override { text += static_cast<char>(byte); }
};

struct Port {
  Port() { uart.reset(); }
  StringSink out;
  bool irq = false;
  Uart16550 uart{IrqLine([this](bool level) { irq = level; }), out};
  u8 in(u32 reg) { return static_cast<u8>(uart.read(reg, Width::Byte)); }
  void set(u32 reg, u8 value) { uart.write(reg, Width::Byte, value); }
  void type(const std::string& text) {
    for (char c : text) uart.receive(static_cast<u8>(c));
  }
};

}  // namespace

TEST_CASE("uart16550: reset -> transmitter empty, no interrupt, peer ready") {
  Port p;
  CHECK(p.in(LSR) == 0x60);
  CHECK(p.in(IIR) == 0x01);
  CHECK(p.in(MSR) == 0xB0);
  CHECK_FALSE(p.irq);
}

TEST_CASE("uart16550: THR write -> byte on the line, THR interrupt again until IIR is read") {
  Port p;
  p.set(IER, 2);
  CHECK(p.irq);  // enabling with an empty THR raises it
  CHECK(p.in(IIR) == 0x02);
  CHECK_FALSE(p.irq);
  p.set(RBR, 'x');
  CHECK(p.out.text == "x");
  CHECK(p.irq);
  CHECK(p.in(IIR) == 0x02);
  CHECK(p.in(IIR) == 0x01);
}

TEST_CASE("uart16550: reading IIR with a higher source pending -> THR empty stays pending") {
  Port p;
  p.type("a");
  p.set(IER, 3);
  CHECK(p.in(IIR) == 0x04);
  p.in(RBR);
  CHECK(p.in(IIR) == 0x02);
}

TEST_CASE("uart16550: FIFO with trigger 8 -> timeout below it, data available from it on") {
  Port p;
  p.set(FCR, 0x81);
  p.set(IER, 1);
  p.type("1234567");
  CHECK(p.in(IIR) == 0xCC);
  p.type("8");
  CHECK(p.in(IIR) == 0xC4);
  p.in(RBR);
  CHECK(p.in(IIR) == 0xCC);
  for (int i = 0; i < 7; ++i) p.in(RBR);
  CHECK(p.in(IIR) == 0xC1);
}

TEST_CASE("uart16550: more input than the FIFO holds -> it waits, in order, nothing is lost") {
  Port p;
  p.set(FCR, 1);
  const std::string text = "the quick brown fox jumps over the lazy dog";
  p.type(text);
  CHECK(p.uart.backlog() == text.size() - 16);
  std::string got;
  while (p.in(LSR)&1) got += static_cast<char>(p.in(RBR));
  CHECK(got == text);
}

TEST_CASE("uart16550: without FIFO -> one character at a time") {
  Port p;
  p.type("ab");
  CHECK(p.in(RBR) == 'a');
  CHECK(p.in(LSR) == 0x61);
  CHECK(p.in(RBR) == 'b');
  CHECK(p.in(LSR) == 0x60);
}

TEST_CASE("uart16550: loopback -> THR reaches RBR, MCR outputs reach MSR with deltas") {
  Port p;
  p.in(MSR);
  p.set(MCR, 0x10);
  CHECK(p.in(MSR) == 0x0B);  // CTS, DSR and DCD fell
  p.set(MCR, 0x1A);          // RTS and OUT2: CTS and DCD
  CHECK(p.in(MSR) == 0x99);
  p.set(RBR, 0x5A);
  CHECK(p.out.text.empty());
  CHECK(p.in(LSR) == 0x61);
  CHECK(p.in(RBR) == 0x5A);
}

TEST_CASE("uart16550: loopback into a full receiver -> overrun, a line status interrupt") {
  Port p;
  p.set(MCR, 0x10);
  p.set(IER, 4);
  p.set(RBR, 1);
  p.set(RBR, 2);
  CHECK(p.in(IIR) == 0x06);
  CHECK((p.in(LSR)&2) == 2);
  CHECK(p.in(IIR) == 0x01);
  CHECK(p.in(RBR) == 2);
}

TEST_CASE("uart16550: RI falls in loopback -> trailing edge delta and modem interrupt") {
  Port p;
  p.set(IER, 8);
  p.set(MCR, 0x14);
  p.in(MSR);
  p.set(MCR, 0x10);
  CHECK(p.irq);
  CHECK(p.in(IIR) == 0x00);
  CHECK((p.in(MSR)&0x0F) == 0x04);
  CHECK_FALSE(p.irq);
}

TEST_CASE("uart16550: break -> BI with a zero character, cleared by reading LSR") {
  Port p;
  p.set(FCR, 1);
  p.uart.receive_break();
  CHECK(p.in(LSR) == 0xF1);
  CHECK(p.in(LSR) == 0x61);
  CHECK(p.in(RBR) == 0);
}

TEST_CASE("uart16550: DLAB -> the divisor latch stands before RBR and IER") {
  Port p;
  p.set(IER, 5);
  p.set(LCR, 0x83);
  p.set(RBR, 0x0C);
  p.set(IER, 0x01);
  CHECK(p.in(RBR) == 0x0C);
  CHECK(p.in(IER) == 0x01);
  p.set(LCR, 0x03);
  CHECK(p.in(IER) == 5);
  CHECK(p.out.text.empty());
}

TEST_CASE("uart16550: detection -> IER keeps 4 bits, scratch keeps 8, FIFO bits show in IIR") {
  Port p;
  p.set(IER, 0xFF);
  CHECK(p.in(IER) == 0x0F);
  p.set(IER, 0);
  p.set(SCR, 0xA5);
  CHECK(p.in(SCR) == 0xA5);
  p.set(FCR, 1);
  CHECK(p.in(IIR) == 0xC1);
  p.set(FCR, 0);
  CHECK(p.in(IIR) == 0x01);
}
