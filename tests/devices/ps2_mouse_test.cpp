// SPDX-License-Identifier: MIT
#include "devices/ps2_mouse.h"

#include <catch2/catch.hpp>

#include "devices/vmmouse.h"

using namespace ring3;

namespace {

std::vector<u8> drain(Ps2Device& device) {
  std::vector<u8> bytes;
  while (!device.out.empty()) bytes.push_back(device.out.pop());
  return bytes;
}

std::vector<u8> send(Ps2Mouse& m, std::initializer_list<u8> bytes) {
  for (const u8 byte : bytes) m.command(byte);
  return drain(m);
}

}  // namespace

TEST_CASE("mouse: reporting off -> movement is lost") {
  Ps2Mouse m;
  m.reset();
  m.move(5, 5, 0, Ps2Mouse::kLeft);
  CHECK(m.out.empty());
}

TEST_CASE("mouse: movement -> three bytes, y upwards, buttons in the first") {
  Ps2Mouse m;
  m.reset();
  send(m, {0xF4});
  m.move(5, 3, 0, Ps2Mouse::kLeft | Ps2Mouse::kMiddle);
  CHECK(drain(m) == std::vector<u8>{0x08 | 0x20 | 5, 5, 0xFD});
  m.move(0, 0, 0, 0);
  CHECK(drain(m) == std::vector<u8>{0x08, 0, 0});
  m.move(0, 0, 1, 0);  // no wheel yet
  CHECK(m.out.empty());
}

TEST_CASE("mouse: a long way -> several reports") {
  Ps2Mouse m;
  m.reset();
  send(m, {0xF4});
  m.move(-300, 0, 0, 0);
  CHECK(drain(m) == std::vector<u8>{0x18, 0x01, 0, 0x18, static_cast<u8>(-45), 0});
}

TEST_CASE("mouse: rates 200, 100, 80 -> type 3 with a wheel; 200, 200, 80 -> type 4") {
  Ps2Mouse m;
  m.reset();
  send(m, {0xF3, 200, 0xF3, 100, 0xF3, 80});
  CHECK(send(m, {0xF2}) == std::vector<u8>{0xFA, 3});
  send(m, {0xF4});
  m.move(0, 0, -1, 0);
  CHECK(drain(m) == std::vector<u8>{0x08, 0, 0, 0xFF});
  send(m, {0xF3, 200, 0xF3, 200, 0xF3, 80});
  CHECK(send(m, {0xF2}) == std::vector<u8>{0xFA, 4});
  m.move(0, 0, 1, 8);  // the fourth button
  CHECK(drain(m) == std::vector<u8>{0x08, 0, 0, 0x11});
}

TEST_CASE("mouse: remote mode -> a report when it is read") {
  Ps2Mouse m;
  m.reset();
  send(m, {0xF0});
  m.move(7, 0, 0, 0);
  CHECK(m.out.empty());
  CHECK(send(m, {0xEB}) == std::vector<u8>{0xFA, 0x08, 7, 0});
}

TEST_CASE("mouse: nobody takes the reports -> they add up, and nothing is lost") {
  Ps2Mouse m;
  m.reset();
  send(m, {0xF4});
  for (int i = 0; i < 100; ++i) m.move(1, 0, 0, 0);
  int moved = 0;
  for (int round = 0; round < 100; ++round) {
    const std::vector<u8> bytes = drain(m);
    for (size_t i = 1; i < bytes.size(); i += 3) moved += bytes[i];
    m.report_if_due();
  }
  CHECK(moved == 100);
}

TEST_CASE("vmmouse: identified and absolute -> positions are read by four words") {
  BackdoorRegisters regs{};
  int kicks = 0;
  VmMouse v({.get = [&] { return regs; },
             .set = [&](const BackdoorRegisters& r) { regs = r; },
             .kick = [&] { ++kicks; }});
  const auto call = [&](u32 command, u32 argument) {
    regs = {0x564D5868, argument, command, VmMouse::kPort};
    return v.read(0, Width::Dword);
  };
  CHECK(call(10, 0) == 6);
  CHECK(regs[1] == 0x564D5868);
  v.move(1, 2, 0, 0);
  CHECK(kicks == 0);
  call(41, 0x45414552);
  CHECK(call(40, 0) == 1);
  CHECK(call(39, 1) == 0x3442554A);
  call(41, 0x53424152);
  REQUIRE(v.enabled());
  v.move(0x1234, 0xFFFF, Ps2Mouse::kRight, -1);
  CHECK(kicks == 1);
  CHECK(call(40, 0) == 4);
  CHECK(call(39, 4) == 0x10);
  CHECK(regs[1] == 0x1234);
  CHECK(regs[2] == 0xFFFF);
  CHECK(regs[3] == 0xFFFFFFFF);
  CHECK(call(39, 4) == 0xFFFF0000);  // nothing is left: off
  CHECK_FALSE(v.enabled());
  regs[0] = 0;
  CHECK(v.read(0, Width::Dword) == 0xFFFFFFFF);
}
