// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>
#include <random>

#include "tests/devices/virtio_bench.h"

using namespace ring3;
using namespace ring3::test;

namespace {

constexpr u8 kNeedsReset = 0x40;
constexpr u32 kIn = 0, kOut = 1, kFlush = 4, kGetId = 8, kDiscard = 11, kWriteZeroes = 13;

}  // namespace

TEST_CASE("virtio-blk: read and write -> the medium's bytes, a used element, an interrupt") {
  VirtioBench b;
  b.start();
  b.request(kIn, 7, 0x30000, 1024, true);
  CHECK(b.result() == 0);
  CHECK(b.bytes_at(0x30000, 1024) == b.sectors(7, 2));
  CHECK(b.used() == 1);
  CHECK(b.memory.read<u32>(PhysAddr{VirtioBench::kUsed + 8}) == 1025);
  CHECK(b.level["INTA"]);
  CHECK(b.pci.read(VirtioBench::kIsr, Width::Byte) == 1);
  CHECK_FALSE(b.level["INTA"]);

  b.memory.write<u32>(PhysAddr{0x30000}, 0x12345678);
  b.request(kOut, 100, 0x30000, 512, false);
  CHECK(b.result() == 0);
  CHECK(b.sectors(100, 1) == b.bytes_at(0x30000, 512));
  CHECK(b.medium.flushes == 0);
}

TEST_CASE("virtio-blk: a driver without FLUSH -> each write is made permanent") {
  VirtioBench b;
  b.start(0);
  b.request(kOut, 0, 0x30000, 512, false);
  CHECK(b.medium.flushes == 1);
}

TEST_CASE("virtio-blk: flush, identity, unknown type -> done, the serial, unsupported") {
  VirtioBench b;
  b.start();
  b.request(kFlush, 0, 0x30000, 0, false);
  CHECK(b.result() == 0);
  CHECK(b.medium.flushes == 1);
  b.request(kGetId, 0, 0x30000, 20, true);
  CHECK(b.memory.read<u32>(PhysAddr{0x30000}) == 0x69726573);
  b.request(99, 0, 0x30000, 512, true);
  CHECK(b.result() == 2);
}

TEST_CASE("virtio-blk: ranges off the disk, odd sizes, a host that fails -> I/O error") {
  VirtioBench b;
  b.start();
  b.request(kIn, 999, 0x30000, 1024, true);
  CHECK(b.result() == 1);
  b.request(kIn, ~u64{0}, 0x30000, 512, true);
  CHECK(b.result() == 1);
  b.request(kOut, 0, 0x30000, 100, false);
  CHECK(b.result() == 1);
  b.medium.broken = true;
  b.request(kIn, 0, 0x30000, 512, true);
  CHECK(b.result() == 1);
}

TEST_CASE(
    "virtio-blk: discard and write zeroes -> the ranges change, none if one is off the disk") {
  VirtioBench b;
  b.start();
  b.memory.write<u64>(PhysAddr{0x30000}, 10);
  b.memory.write<u64>(PhysAddr{0x30008}, 4);
  b.request(kDiscard, 0, 0x30000, 16, false);
  CHECK(b.result() == 0);
  CHECK(b.medium.discards == 1);
  b.memory.write<u64>(PhysAddr{0x30000}, 20);
  b.request(kWriteZeroes, 0, 0x30000, 16, false);
  CHECK(b.sectors(20, 4) == std::vector<u8>(2048));
  const auto before = b.medium.data;
  b.memory.write<u64>(PhysAddr{0x30000}, 30);
  b.memory.write<u64>(PhysAddr{0x30010}, 998);
  b.memory.write<u64>(PhysAddr{0x30018}, 4);
  b.request(kWriteZeroes, 0, 0x30000, 32, false);
  CHECK(b.result() == 1);
  CHECK(b.medium.data == before);
}

TEST_CASE("virtio-blk: a read-only medium -> the feature says so, writes fail") {
  VirtioBench b;
  b.medium.locked = true;
  CHECK((b.common(4, Width::Dword) >> 5 & 1) == 1);
  b.start();
  b.request(kOut, 0, 0x30000, 512, false);
  CHECK(b.result() == 1);
}

TEST_CASE("virtio: an indirect table -> one chain; a nested one breaks the queue") {
  VirtioBench b;
  b.start(u64{1} << 28);
  b.header(kIn, 3);
  b.descriptor(0x14000, 0, VirtioBench::kData, 16, VirtioBench::kNext, 1);
  b.descriptor(0x14000, 1, 0x30000, 512, VirtioBench::kNext | VirtioBench::kWrite, 2);
  b.descriptor(0x14000, 2, VirtioBench::kData + 16, 1, VirtioBench::kWrite);
  b.descriptor(VirtioBench::kDescriptors, 9, 0x14000, 48, VirtioBench::kIndirect);
  b.offer(9);
  CHECK(b.result() == 0);
  CHECK(b.bytes_at(0x30000, 512) == b.sectors(3, 1));
  b.descriptor(0x14000, 0, 0x14000, 48, VirtioBench::kIndirect);
  b.offer(9);
  CHECK((b.status() & kNeedsReset) != 0);
}

TEST_CASE("virtio: rings that break the rules -> the device needs a reset and does nothing more") {
  const auto broken = [](auto&& spoil) {
    VirtioBench b;
    b.start();
    spoil(b);
    const bool needs = b.status() & kNeedsReset;
    b.available = 0;
    b.memory.write<u16>(PhysAddr{VirtioBench::kAvailable + 2}, 0);
    b.request(kIn, 0, 0x30000, 512, true);
    return needs && b.used() == 0;
  };
  const u64 table = VirtioBench::kDescriptors;
  CHECK(broken([](VirtioBench& b) { b.offer(256); }));
  CHECK(broken([](VirtioBench& b) { b.available = 300, b.offer(0); }));
  CHECK(broken([=](VirtioBench& b) { b.descriptor(table, 0, 0, 1, 1, 0), b.offer(0); }));
  CHECK(broken([=](VirtioBench& b) { b.descriptor(table, 0, 0, 1, 1, 256), b.offer(0); }));
  CHECK(broken([=](VirtioBench& b) { b.descriptor(table, 0, 0x14000, 17, 4), b.offer(0); }));
  CHECK(broken([=](VirtioBench& b) {
    b.descriptor(table, 0, 0, 1, 3, 1), b.descriptor(table, 1, 0, 1, 0), b.offer(0);
  }));
}

TEST_CASE("virtio: after a reset -> a broken queue works again") {
  VirtioBench b;
  b.start();
  b.offer(256);
  b.common(20, Width::Byte, 0);
  CHECK(b.status() == 0);
  b.available = 0;
  b.memory.write<u16>(PhysAddr{VirtioBench::kAvailable + 2}, 0);
  b.start();
  b.request(kIn, 0, 0x30000, 512, true);
  CHECK(b.result() == 0);
}

TEST_CASE("virtio: event index -> an interrupt only when the driver's index is passed") {
  VirtioBench b;
  b.start(u64{1} << 29);
  b.memory.write<u16>(PhysAddr{VirtioBench::kAvailable + 4 + 512}, 1);
  b.request(kIn, 0, 0x30000, 512, true);
  CHECK_FALSE(b.level["INTA"]);
  CHECK(b.memory.read<u16>(PhysAddr{VirtioBench::kUsed + 4 + 2048}) == 1);
  b.request(kIn, 0, 0x30000, 512, true);
  CHECK(b.level["INTA"]);
}

TEST_CASE("virtio: the driver's flag against interrupts -> none") {
  VirtioBench b;
  b.start();
  b.memory.write<u16>(PhysAddr{VirtioBench::kAvailable}, 1);
  b.request(kIn, 0, 0x30000, 512, true);
  CHECK(b.used() == 1);
  CHECK_FALSE(b.level["INTA"]);
}

TEST_CASE("virtio: MSI-X -> the vector's message; masked: later, when it is unmasked") {
  VirtioBench b;
  PciDevice& f = b.pci.function();
  u8 at = static_cast<u8>(f.config_read(0x34, Width::Byte));
  while (f.config_read(at, Width::Byte) != 0x11)
    at = static_cast<u8>(f.config_read(static_cast<u8>(at + 1), Width::Byte));
  f.config_write(static_cast<u8>(at + 2), Width::Word, 0x8000);
  b.start();
  b.common(26, Width::Word, 1);
  b.pci.write(VirtioPci::kMsix + 16, Width::Dword, 0xFEE0'1000);
  b.pci.write(VirtioPci::kMsix + 24, Width::Dword, 0x41);
  b.request(kIn, 0, 0x30000, 512, true);
  CHECK(b.messages == 0);
  CHECK(b.pci.read(VirtioPci::kMsix + 0x800, Width::Dword) == 2);
  b.pci.write(VirtioPci::kMsix + 28, Width::Dword, 0);
  CHECK(b.messages == 1);
  CHECK(b.trace.back() == "0: message fee01000 41");
  b.request(kIn, 0, 0x30000, 512, true);
  CHECK(b.messages == 2);
  CHECK_FALSE(b.level["INTA"]);
}

TEST_CASE("virtio: features that were not offered -> FEATURES_OK does not stick") {
  VirtioBench b;
  b.start(u64{1} << 3);
  CHECK((b.status() & 8) == 0);
}

TEST_CASE("virtio: a legacy driver -> its ring in pages, write-through, config after the header") {
  VirtioBench b;
  const auto out = [&](u32 reg, Width w, u32 value) { b.pci.write(reg, w, value); };
  out(18, Width::Byte, 3);
  out(4, Width::Dword, 0);
  CHECK(b.pci.read(12, Width::Word) == 256);
  out(8, Width::Dword, VirtioBench::kDescriptors >> 12);
  out(18, Width::Byte, 7);
  CHECK(b.pci.read(20, Width::Dword) == 1000);
  // Available ring after 256 descriptors, used ring on the next page.
  b.header(kIn, 5);
  b.descriptor(VirtioBench::kDescriptors, 0, VirtioBench::kData, 16, 1, 1);
  b.descriptor(VirtioBench::kDescriptors, 1, 0x30000, 512, 3, 2);
  b.descriptor(VirtioBench::kDescriptors, 2, VirtioBench::kData + 16, 1, 2);
  b.memory.write<u16>(PhysAddr{VirtioBench::kDescriptors + 0x1002}, 1);
  out(16, Width::Word, 0);
  CHECK(b.result() == 0);
  CHECK(b.memory.read<u16>(PhysAddr{VirtioBench::kDescriptors + 0x2002}) == 1);
  CHECK(b.bytes_at(0x30000, 512) == b.sectors(5, 1));
  CHECK(b.pci.read(19, Width::Byte) == 1);
}

TEST_CASE("virtio: the PCI configuration access window -> the registers behind BAR 4") {
  VirtioBench b;
  PciDevice& f = b.pci.function();
  u8 at = static_cast<u8>(f.config_read(0x34, Width::Byte));
  while (f.config_read(static_cast<u8>(at + 3), Width::Byte) != 5)
    at = static_cast<u8>(f.config_read(static_cast<u8>(at + 1), Width::Byte));
  f.config_write(static_cast<u8>(at + 4), Width::Byte, 4);
  f.config_write(static_cast<u8>(at + 8), Width::Dword, 0x2000);
  f.config_write(static_cast<u8>(at + 12), Width::Dword, 4);
  CHECK(f.config_read(static_cast<u8>(at + 16), Width::Dword) == 1000);
}

TEST_CASE("virtio: random rings and requests -> bounded, nothing outside memory") {
  std::mt19937 random(3);
  for (int run = 0; run < 60; ++run) {
    VirtioBench b;
    b.start(random() % 2 ? u64{3} << 28 : 1 << 9);
    for (u64 at = VirtioBench::kDescriptors; at < 0x14100; at += 4)
      if (random() % 3 == 0)
        b.memory.write<u32>(PhysAddr{at}, random() % 4 ? random() % 8 : random());
    for (int step = 0; step < 20; ++step) {
      b.header(random() % 16, random() % 1100);
      b.offer(static_cast<u16>(random() % 260));
      b.pci.write(VirtioBench::kNotify, Width::Dword, random());
    }
    CHECK(b.medium.data.size() == 1000 * kSectorSize);
  }
}
