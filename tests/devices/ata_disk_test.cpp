// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>
#include <string>

#include "tests/devices/ide_bench.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr u8 kReady = 0x50, kAsks = 0x58, kFailed = 0x51;

struct DiskBench : IdeBench {
  MemoryMedium medium{1000 * kSectorSize};
  AtaDisk& disk = ide.connect<AtaDisk>(0, 0, medium, AtaDisk::Identity{});
  DiskBench() { start(); }
  std::vector<u8> sectors(u64 first, u64 count) {
    return part(medium.data, first * kSectorSize, count * kSectorSize);
  }
};

std::vector<u8> pattern(size_t size, u8 seed) {
  std::vector<u8> all(size);
  for (size_t i = 0; i < size; ++i) all[i] = static_cast<u8>(i * 13 + seed);
  return all;
}

}  // namespace

TEST_CASE("ata: after reset -> the signature of a disk") {
  DiskBench b;
  CHECK(b.status() == kReady);
  CHECK(b.in(1) == 1);
  CHECK(b.in(2) == 1);
  CHECK(b.in(3) == 1);
  CHECK(b.in(4) == 0);
  CHECK(b.in(5) == 0);
}

TEST_CASE("ata: READ SECTORS -> one interrupt a sector, data in order") {
  DiskBench b;
  b.command28(0x20, 5, 2);
  CHECK(b.status() == kAsks);
  CHECK(b.irq());
  CHECK(b.acknowledge() == kAsks);
  CHECK_FALSE(b.irq());
  CHECK(b.data_in(512) == b.sectors(5, 1));
  CHECK(b.irq());
  CHECK(b.data_in(512) == b.sectors(6, 1));
  CHECK(b.status() == kReady);
  CHECK(b.in(3) == 6);
  CHECK(b.in(2) == 0);
}

TEST_CASE("ata: READ SECTORS through 32-bit accesses -> the same data") {
  DiskBench b;
  b.command28(0x20, 9, 1);
  std::vector<u8> got(512);
  for (size_t i = 0; i < 512; i += 4) store(&got[i], b.ide.read(0, Width::Dword));
  CHECK(got == b.sectors(9, 1));
}

TEST_CASE("ata: a cylinder, head and sector address -> that sector") {
  DiskBench b;
  b.out(2, 1);
  b.out(3, 2);
  b.out(4, 0);
  b.out(5, 0);
  b.out(6, 0xA3);
  b.out(7, 0x20);
  CHECK(b.data_in(512) == b.sectors(3 * 63 + 1, 1));
}

TEST_CASE("ata: READ MULTIPLE -> blocks of the size that was set") {
  DiskBench b;
  b.command28(0xC6, 0, 8);
  b.command28(0xC4, 0, 12);
  CHECK(b.acknowledge() == kAsks);
  CHECK(b.data_in(8 * 512) == b.sectors(0, 8));
  CHECK(b.irq());
  CHECK(b.data_in(4 * 512) == b.sectors(8, 4));
  CHECK(b.status() == kReady);
}

TEST_CASE("ata: SET MULTIPLE of no power of two, or over 16 -> aborted") {
  DiskBench b;
  for (const u8 count : {3, 32}) {
    b.command28(0xC6, 0, count);
    CHECK(b.status() == kFailed);
    CHECK(b.in(1) == 4);
  }
}

TEST_CASE("ata: WRITE SECTORS -> no interrupt before the first block, then the disk has them") {
  DiskBench b;
  const auto data = pattern(1024, 1);
  b.command28(0x30, 7, 2);
  CHECK(b.status() == kAsks);
  CHECK_FALSE(b.irq());
  b.data_out(data);
  CHECK(b.irq());
  CHECK(b.acknowledge() == kReady);
  CHECK(b.sectors(7, 2) == data);
  CHECK(b.medium.flushes == 0);
}

TEST_CASE("ata: 48-bit commands -> address and count from both halves of the registers") {
  DiskBench b;
  b.command48(0x24, 0x101, 1);
  CHECK(b.data_in(512) == b.sectors(0x101, 1));
  b.command48(0x24, u64{1} << 40, 1);
  CHECK(b.status() == kFailed);
  CHECK(b.in(1) == 0x10);
  b.out(8, 0x80);
  CHECK(b.in(5) == 1);
}

TEST_CASE("ata: a range that ends past the disk -> IDNF, nothing moves") {
  DiskBench b;
  b.command28(0x20, 999, 2);
  CHECK(b.status() == kFailed);
  CHECK(b.in(1) == 0x10);
  b.command28(0x20, 999, 1);
  CHECK(b.data_in(512) == b.sectors(999, 1));
}

TEST_CASE("ata: READ DMA over several regions -> each gets its bytes, one interrupt at the end") {
  DiskBench b;
  b.command28(0xC8, 10, 3);
  CHECK_FALSE(b.irq());
  b.start_dma({{0x8000, 100}, {0x9000, 1536 - 100}}, true);
  CHECK(b.irq());
  CHECK(b.dma_status() == 4);
  CHECK(b.bytes_at(0x8000, 100) == part(b.sectors(10, 3), 0, 100));
  CHECK(b.bytes_at(0x9000, 1436) == part(b.sectors(10, 3), 100, 1436));
  CHECK(b.acknowledge() == kReady);
}

TEST_CASE("ata: the bus master started before the command -> the transfer runs at the command") {
  DiskBench b;
  b.start_dma({{0x8000, 512}}, true);
  CHECK(b.dma_status() == 1);
  b.command28(0xC8, 3, 1);
  CHECK(b.dma_status() == 4);
  CHECK(b.bytes_at(0x8000, 512) == b.sectors(3, 1));
}

TEST_CASE("ata: WRITE DMA EXT of more than a buffer -> all of it on the disk") {
  DiskBench b;
  const auto data = pattern(300 * 512, 3);
  b.memory.write(PhysAddr{0x100000}, std::span<const u8>(data));
  b.command48(0x35, 100, 300);
  b.start_dma({{0x100000, 0}, {0x110000, 0}, {0x120000, 300 * 512 - 0x20000}}, false);
  CHECK(b.dma_status() == 4);
  CHECK(b.sectors(100, 300) == data);
}

TEST_CASE("ata: fewer regions than data -> the bus master stops without an interrupt") {
  DiskBench b;
  b.command28(0xC8, 0, 2);
  b.start_dma({{0x8000, 512}}, true);
  CHECK_FALSE(b.irq());
  CHECK((b.dma_status() & 1) == 0);
  CHECK(b.status() == kReady);
}

TEST_CASE("ata: more regions than data -> interrupt, and the bus master stays active") {
  DiskBench b;
  b.command28(0xC8, 0, 1);
  b.start_dma({{0x8000, 1024}}, true);
  CHECK(b.irq());
  CHECK(b.dma_status() == 5);
}

TEST_CASE("ata: DMA without the function's bus master bit -> nothing moves") {
  DiskBench b;
  b.ide.set_bus_master(false);
  b.command28(0xC8, 0, 1);
  b.start_dma({{0x8000, 512}}, true);
  CHECK_FALSE(b.irq());
  CHECK(b.bytes_at(0x8000, 512) == std::vector<u8>(512));
}

TEST_CASE("ata: IDENTIFY -> sizes, modes and names where ATA has them") {
  DiskBench b;
  b.command28(0xEC, 0, 0);
  const auto block = b.data_in(512);
  const auto word = [&](unsigned n) { return load<u16>(&block[2 * n]); };
  CHECK(word(3) == 16);
  CHECK(word(6) == 63);
  CHECK(load<u32>(&block[120]) == 1000);
  CHECK(load<u64>(&block[200]) == 1000);
  CHECK((word(83) >> 10 & 1) == 1);
  std::string model;
  for (unsigned n = 27; n < 33; ++n)
    model += {static_cast<char>(word(n) >> 8), static_cast<char>(word(n))};
  CHECK(model == "RING3 HARDDI");
}

TEST_CASE("ata: FLUSH CACHE, and writes with the cache off or forced through -> flushes") {
  DiskBench b;
  b.command28(0xE7, 0, 0);
  CHECK(b.medium.flushes == 1);
  b.command28(0xEF, 0, 0, 0x82);
  CHECK(b.medium.flushes == 2);
  b.command28(0x30, 0, 1);
  b.data_out(pattern(512, 0));
  CHECK(b.medium.flushes == 3);
}

TEST_CASE("ata: TRIM -> the named sectors are discarded; one past the end -> aborted") {
  DiskBench b;
  b.memory.write<u64>(PhysAddr{0x8000}, u64{4} << 48 | 20);
  b.out(1, 1);
  b.command48(0x06, 0, 1);
  b.start_dma({{0x8000, 512}}, false);
  CHECK(b.sectors(20, 4) == std::vector<u8>(4 * 512));
  CHECK(b.status() == kReady);
  b.memory.write<u64>(PhysAddr{0x8000}, u64{4} << 48 | 999);
  b.out(1, 1);
  b.command48(0x06, 0, 1);
  b.start_dma({{0x8000, 512}}, false);
  CHECK(b.status() == kFailed);
}

TEST_CASE("ata: a host that fails -> UNC on reads, an aborted write") {
  DiskBench b;
  b.medium.broken = true;
  b.command28(0x20, 0, 1);
  CHECK(b.in(1) == 0x40);
  b.command28(0x30, 0, 1);
  b.data_out(pattern(512, 0));
  CHECK(b.in(1) == 4);
}

TEST_CASE("ide: nIEN -> no interrupt line; SRST -> the signature again") {
  DiskBench b;
  b.out(8, 2);
  b.command28(0xE7, 0, 0);
  CHECK_FALSE(b.irq());
  b.out(8, 0);
  CHECK(b.irq());
  b.out(8, 4);
  b.out(8, 0);
  CHECK_FALSE(b.irq());
  CHECK(b.in(3) == 1);
}

TEST_CASE("ide: the second device is not there -> status 0, and the first one is not disturbed") {
  DiskBench b;
  b.out(6, 0xF0);
  CHECK(b.status() == 0);
  b.out(7, 0xEC);
  CHECK(b.status() == 0);
  b.out(6, 0xE0);
  CHECK(b.status() == kReady);
}

TEST_CASE("ide: a channel without devices -> zeros") {
  DiskBench b;
  for (u32 reg = 0x10; reg < 0x19; ++reg) CHECK(b.in(reg) == 0);
}
