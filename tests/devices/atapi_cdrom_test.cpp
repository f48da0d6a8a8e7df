// SPDX-License-Identifier: MIT
#include "devices/ide/atapi_cdrom.h"

#include <catch2/catch.hpp>

#include "tests/devices/ide_bench.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr u8 kReady = 0x50, kAsks = 0x58, kFailed = 0x51;
using Packet = std::vector<u8>;

struct CdBench : IdeBench {
  MemoryMedium disc{40 * 2048};
  AtapiCdRom& drive;
  explicit CdBench(bool with_disc = true)
      : drive(ide.connect<AtapiCdRom>(0, 0, with_disc ? &disc : nullptr, "serial")) {
    disc.locked = true;
    start();
  }
  void packet(Packet bytes, u16 limit = 0xFFFE, bool dma = false) {
    bytes.resize(12);
    out(1, dma);
    out(4, limit & 0xFF);
    out(5, limit >> 8);
    out(7, 0xA0);
    acknowledge();
    data_out(bytes);
  }
  u32 piece() { return u32{in(4)} | u32{in(5)} << 8; }
  std::vector<u8> reply(Packet bytes) {
    packet(std::move(bytes));
    return status() == kAsks ? data_in(piece()) : std::vector<u8>{};
  }
  /// Key and additional code of the last failure.
  std::pair<u8, u8> sense() {
    const auto r = reply({0x03, 0, 0, 0, 18});
    return {r.at(2), r.at(12)};
  }
};

}  // namespace

TEST_CASE("atapi: after reset -> the signature of a packet device, not ready") {
  CdBench b;
  CHECK(b.in(4) == 0x14);
  CHECK(b.in(5) == 0xEB);
  CHECK(b.status() == 0);
}

TEST_CASE(
    "atapi: IDENTIFY DEVICE -> aborted with the signature; IDENTIFY PACKET DEVICE -> a block") {
  CdBench b;
  b.out(7, 0xEC);
  CHECK(b.status() == kFailed);
  CHECK(b.in(4) == 0x14);
  b.out(7, 0xA1);
  CHECK(b.status() == kAsks);
  CHECK(load<u16>(b.data_in(512).data()) == 0x85C0);
}

TEST_CASE("atapi: READ(10) by PIO with a small limit -> pieces of that size, one interrupt each") {
  CdBench b;
  b.packet({0x28, 0, 0, 0, 0, 3, 0, 0, 2}, 3000);
  std::vector<u8> got;
  for (const u32 size : {3000u, 1096u}) {
    CHECK(b.irq());
    CHECK(b.acknowledge() == kAsks);
    CHECK(b.in(2) == 2);
    REQUIRE(b.piece() == size);
    const auto more = b.data_in(size);
    got.insert(got.end(), more.begin(), more.end());
  }
  CHECK(b.irq());
  CHECK(b.acknowledge() == kReady);
  CHECK(b.in(2) == 3);
  CHECK(got == part(b.disc.data, 3 * 2048, 4096));
}

TEST_CASE("atapi: READ(12) by DMA -> in memory, one interrupt at the end") {
  CdBench b;
  b.packet({0xA8, 0, 0, 0, 0, 1, 0, 0, 0, 2}, 0, true);
  CHECK_FALSE(b.irq());
  b.start_dma({{0x8000, 4096}}, true);
  CHECK(b.irq());
  CHECK(b.bytes_at(0x8000, 4096) == part(b.disc.data, 2048, 4096));
}

TEST_CASE("atapi: a range past the disc -> illegal request, out of range") {
  CdBench b;
  b.packet({0x28, 0, 0, 0, 0, 39, 0, 0, 2});
  CHECK(b.status() == kFailed);
  CHECK(b.in(1) == 0x54);
  CHECK(b.sense() == std::pair<u8, u8>{5, 0x21});
  CHECK(b.sense() == std::pair<u8, u8>{0, 0});
}

TEST_CASE("atapi: READ CAPACITY and READ TOC -> the size of the disc") {
  CdBench b;
  CHECK(b.reply({0x25}) == std::vector<u8>{0, 0, 0, 39, 0, 0, 8, 0});
  CHECK(b.reply({0x43, 0, 0, 0, 0, 0, 0, 0, 20}) ==
        std::vector<u8>{0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA, 0, 0, 0, 0, 40});
  const auto msf = b.reply({0x43, 2, 0, 0, 0, 0, 0xAA, 0, 20});
  CHECK(part(msf, 8, 4) == std::vector<u8>{0, 0, 2, 40});
}

TEST_CASE("atapi: an allocation length shorter than the reply -> cut off there") {
  CdBench b;
  CHECK(b.reply({0x12, 0, 0, 0, 5}).size() == 5);
  b.packet({0x12, 0, 0, 0, 0});
  CHECK(b.status() == kReady);
}

TEST_CASE("atapi: no disc -> not ready, medium not present; the drive still answers") {
  CdBench b(false);
  b.packet({0x00});
  CHECK(b.status() == kFailed);
  CHECK(b.sense() == std::pair<u8, u8>{2, 0x3A});
  CHECK(b.reply({0x12, 0, 0, 0, 36}).size() == 36);
}

TEST_CASE("atapi: eject and load -> no disc between, an event each; locked -> refused") {
  CdBench b;
  b.packet({0x1B, 0, 0, 0, 2});
  b.packet({0x00});
  CHECK(b.sense() == std::pair<u8, u8>{2, 0x3A});
  CHECK(b.reply({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8})[4] == 3);
  b.packet({0x1B, 0, 0, 0, 3});
  CHECK(b.reply({0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8})[4] == 2);
  b.packet({0x1E, 0, 0, 0, 1});
  b.packet({0x1B, 0, 0, 0, 2});
  CHECK(b.sense() == std::pair<u8, u8>{5, 0x53});
}

TEST_CASE("atapi: every packet code with every length byte -> answered or refused, never stuck") {
  CdBench b;
  for (unsigned code = 0; code < 256; ++code) {
    for (const u8 byte : {0, 1, 2, 0x3F, 0x80, 0xFF}) {
      CAPTURE(code, byte);
      Packet bytes(12, byte);
      bytes[0] = static_cast<u8>(code);
      b.packet(bytes, 0x7FF);
      for (int pieces = 0; pieces < 100 && b.status() == kAsks; ++pieces) b.data_in(b.piece() + 1);
      CHECK((b.status() & 0xFE) == kReady);
    }
  }
}
