// SPDX-License-Identifier: MIT
#include "devices/fdc82077.h"

#include <catch2/catch.hpp>

#include "tests/devices/contract.h"
#include "tests/devices/test_medium.h"

using namespace ring3;
using namespace ring3::test;

namespace {

struct FloppyBench : Bench {
  PhysicalMemory memory{u64{1} << 20};
  Dma8237 dma{memory};
  MemoryMedium disk{2880 * kSectorSize};
  Fdc82077 fdc{line("IRQ6"), dma, {Fdc82077::Drive{true, &disk}, {true, nullptr}}};

  void give(std::initializer_list<u8> bytes) {
    for (const u8 byte : bytes) fdc.write(5, Width::Byte, byte);
  }
  std::vector<u8> results() {
    std::vector<u8> all;
    while ((fdc.read(4, Width::Byte) & 0xC0) == 0xC0)
      all.push_back(static_cast<u8>(fdc.read(5, Width::Byte)));
    return all;
  }
  /// Channel 2 for `count` bytes at `address`; `mode`: 46h to memory, 4Ah from it.
  void set_dma(u8 mode, u32 address, u32 count) {
    const auto out = [&](u32 reg, u32 value) { dma.write(reg, Width::Byte, value & 0xFF); };
    out(10, 6);
    out(12, 0);
    out(11, mode);
    out(4, address);
    out(4, address >> 8);
    out(5, count - 1);
    out(5, (count - 1) >> 8);
    out(Dma8237::kPages + 1, address >> 16);
    out(10, 2);
  }
  std::vector<u8> bytes_at(u64 address, size_t size) {
    std::vector<u8> got(size);
    memory.read(PhysAddr{address}, got);
    return got;
  }
  std::vector<u8> sectors(size_t first, size_t count) {
    const auto begin = disk.data.begin() + static_cast<std::ptrdiff_t>(first * kSectorSize);
    return {begin, begin + static_cast<std::ptrdiff_t>(count * kSectorSize)};
  }
};

using Bytes = std::vector<u8>;

}  // namespace

TEST_CASE("fdc: a reset by the DOR -> one interrupt, reported for four drives") {
  FloppyBench b;
  b.fdc.write(2, Width::Byte, 0x08);
  b.fdc.write(2, Width::Byte, 0x0C);
  CHECK(b.level["IRQ6"]);
  for (u8 drive = 0; drive < 4; ++drive) {
    b.give({0x08});
    CHECK(b.results() == Bytes{static_cast<u8>(0xC0 | drive), 0});
  }
  CHECK_FALSE(b.level["IRQ6"]);
  b.give({0x08});
  CHECK(b.results() == Bytes{0x80});
}

TEST_CASE("fdc: READ with MT over both heads -> the sectors in order, the count ends it") {
  FloppyBench b;
  b.set_dma(0x46, 0x18000, 4 * 512);
  b.give({0xE6, 0x00, 1, 0, 17, 2, 18, 0x1B, 0xFF});
  CHECK(b.level["IRQ6"]);
  CHECK(b.results() == Bytes{0x04, 0, 0, 1, 1, 3, 2});
  CHECK(b.bytes_at(0x18000, 4 * 512) == b.sectors(36 + 16, 4));
  b.set_dma(0x46, 0x18000, 512);
  b.give({0xE6, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF});
  CHECK(b.results() == Bytes{0x00, 0, 0, 0, 0, 2, 2});
}

TEST_CASE("fdc: WRITE -> on the disk; a protected disk -> not writable, nothing changed") {
  FloppyBench b;
  b.memory.write<u32>(PhysAddr{0x8000}, 0x1234'5678);
  b.set_dma(0x4A, 0x8000, 512);
  b.give({0xC5, 0x00, 0, 0, 5, 2, 18, 0x1B, 0xFF});
  CHECK(b.results()[0] == 0);
  CHECK(b.sectors(4, 1) == b.bytes_at(0x8000, 512));
  b.disk.locked = true;
  const auto before = b.disk.data;
  b.set_dma(0x4A, 0x9000, 512);
  b.give({0xC5, 0x00, 0, 0, 5, 2, 18, 0x1B, 0xFF});
  CHECK(b.results()[1] == 2);
  CHECK(b.disk.data == before);
}

TEST_CASE("fdc: a sector or track that is not there, an empty drive -> abnormal end") {
  FloppyBench b;
  b.set_dma(0x46, 0x8000, 512);
  b.give({0xE6, 0x00, 0, 0, 19, 2, 18, 0x1B, 0xFF});
  CHECK(b.results()[1] == 4);
  b.give({0xE6, 0x00, 99, 0, 1, 2, 18, 0x1B, 0xFF});
  CHECK(b.results()[0] == 0x40);
  b.give({0xE6, 0x01, 0, 0, 1, 2, 18, 0x1B, 0xFF});
  CHECK(b.results()[0] == 0x49);
}

TEST_CASE("fdc: SEEK and RECALIBRATE -> the track by SENSE INTERRUPT, the change line falls") {
  FloppyBench b;
  CHECK(b.fdc.read(7, Width::Byte) == 0x80);
  b.give({0x0F, 0x00, 33});
  b.give({0x08});
  CHECK(b.results() == Bytes{0x20, 33});
  CHECK(b.fdc.read(7, Width::Byte) == 0);
  b.give({0x07, 0x00});
  b.give({0x08});
  CHECK(b.results() == Bytes{0x20, 0});
}

TEST_CASE("fdc: READ ID at the disk's data rate only") {
  FloppyBench b;
  b.give({0x4A, 0x00});
  CHECK(b.results()[0] == 0);
  b.fdc.write(7, Width::Byte, 2);
  b.give({0x4A, 0x00});
  CHECK(b.results()[0] == 0x40);
}

TEST_CASE("fdc: FORMAT -> the named sectors hold the fill byte") {
  FloppyBench b;
  for (u8 i = 0; i < 18; ++i)
    b.memory.write<u32>(PhysAddr{0x8000u + 4u * i}, 2u << 24 | (i + 1u) << 16 | 0u << 8 | 0u);
  b.set_dma(0x4A, 0x8000, 72);
  b.give({0x4D, 0x00, 2, 18, 0x1B, 0xF6});
  CHECK(b.results()[0] == 0);
  CHECK(b.sectors(0, 18) == Bytes(18 * 512, 0xF6));
}

TEST_CASE("dma8237: a masked channel, another direction -> nothing moves; the page bounds it") {
  FloppyBench b;
  const Bytes data{1, 2, 3, 4};
  b.set_dma(0x46, 0x1FFFE, 4);
  b.dma.write(10, Width::Byte, 6);
  CHECK(b.dma.to_memory(2, data).bytes == 0);
  b.dma.write(10, Width::Byte, 2);
  Bytes none(4);
  CHECK(b.dma.from_memory(2, none).bytes == 0);
  CHECK(b.dma.to_memory(2, data).terminal);
  CHECK(b.bytes_at(0x1FFFE, 2) == Bytes{1, 2});
  CHECK(b.bytes_at(0x10000, 2) == Bytes{3, 4});
  CHECK(b.dma.read(8, Width::Byte) == 4);
  CHECK(b.dma.to_memory(2, data).bytes == 0);
}
