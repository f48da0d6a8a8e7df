// SPDX-License-Identifier: MIT
#include "mmu/physical_memory.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace ring3;

namespace {

struct Access {
  u64 offset;
  unsigned size;
  u64 value;
  bool operator==(const Access&) const = default;
};

struct Recorder final : MmioHandler {
  std::vector<Access> reads, writes;
  u64 mmio_read(u64 offset, unsigned size) override {
    reads.push_back({offset, size, 0});
    return 0x8877665544332211;
  }
  void mmio_write(u64 offset, unsigned size, u64 value) override {
    writes.push_back({offset, size, value});
  }
};

struct WriteLog final : WriteWatcher {
  std::vector<std::pair<u64, u64>> seen;
  void on_watched_write(PhysAddr address, u64 size) override {
    seen.emplace_back(address.value, size);
  }
};

constexpr u64 kMiB = 0x10'0000, kGiB = 0x4000'0000;

}  // namespace

TEST_CASE("PhysicalMemory: 512 GiB -> reserved, layout right, nothing touched") {
  const u64 before = host_resident_bytes();
  PhysicalMemory memory(512 * kGiB);
  CHECK(memory.low_ram_end() == 0xC000'0000);
  CHECK(memory.high_ram_end() == 513 * kGiB);
  const PhysAddr last{513 * kGiB - 8};
  memory.write<u64>(last, 0x1234);
  CHECK(memory.read<u64>(last) == 0x1234);
  CHECK(memory.ram()[512 * kGiB - 8] == 0x34);
  CHECK(host_resident_bytes() < before + 16 * kMiB);  // may fall, as others share libraries
}

TEST_CASE("PhysicalMemory: 1 MiB -> RAM ends there, no high RAM") {
  PhysicalMemory memory(kMiB);
  CHECK(memory.low_ram_end() == kMiB);
  CHECK(memory.high_ram_end() == PhysicalMemory::kHighRamStart);
  CHECK(memory.page({kMiB - 1}).kind == PageKind::Ram);
  CHECK(memory.page({kMiB}).kind == PageKind::Hole);
}

TEST_CASE("PhysicalMemory: around the PCI hole -> RAM below, hole, RAM from 4 GiB") {
  PhysicalMemory memory(6 * kGiB);
  CHECK(memory.page({0xC000'0000 - 1}).host == memory.ram().data() + 0xBFFF'F000);
  CHECK(memory.page({0xC000'0000}).kind == PageKind::Hole);
  CHECK(memory.page({0xFFFF'FFFF}).kind == PageKind::Hole);
  CHECK(memory.page({4 * kGiB}).host == memory.ram().data() + 0xC000'0000);
  CHECK(memory.page({7 * kGiB - 1}).kind == PageKind::Ram);
  CHECK(memory.page({7 * kGiB}).kind == PageKind::Hole);
  CHECK(memory.page({~u64{0}}).kind == PageKind::Hole);
}

TEST_CASE("open bus: reads all ones, writes dropped") {
  PhysicalMemory memory(kMiB);
  CHECK(memory.read<u64>({kMiB}) == ~u64{0});
  memory.write<u32>({kMiB}, 5);
  CHECK(memory.read<u32>({kMiB}) == 0xFFFF'FFFF);
  memory.write<u32>({kMiB - 2}, 0x44332211);
  CHECK(memory.read<u32>({kMiB - 2}) == 0xFFFF'2211);
}

TEST_CASE("ROM: covers RAM, readable, writes dropped, padded, uncovered by remove") {
  PhysicalMemory memory(2 * kMiB);
  memory.write<u16>({0xF'0000}, 0x1111);
  const std::vector<u8> image(0x1800, 0xAB);
  memory.add_rom({0xF'0000}, image);
  memory.write<u16>({0xF'0000}, 0x2222);
  CHECK(memory.page({0xF'0000}).kind == PageKind::Rom);
  CHECK(memory.read<u16>({0xF'0000}) == 0xABAB);
  CHECK(memory.read<u16>({0xF'17FF}) == 0xFFAB);
  memory.remove({0xF'0000}, 0x1000);
  CHECK(memory.read<u16>({0xF'0000}) == 0x1111);
  CHECK(memory.read<u16>({0xF'17FF}) == 0xFFAB);
  CHECK(memory.page({0xF'2000}).kind == PageKind::Ram);
}

TEST_CASE("map: a later addition covers an earlier one, remove keeps the rest's offsets") {
  PhysicalMemory memory(2 * kMiB);
  Recorder below, above;
  memory.add_mmio({0xE000'0000}, 0x4000, below);
  memory.add_mmio({0xE000'1000}, 0x1000, above);
  CHECK(memory.page({0xE000'1000}).mmio == &above);
  CHECK(memory.page({0xE000'2000}).mmio_offset == 0x2000);
  memory.remove({0xE000'1000}, 0x1000);
  CHECK(memory.page({0xE000'0000}).mmio == &below);
  CHECK(memory.page({0xE000'1000}).kind == PageKind::Hole);
  CHECK(memory.page({0xE000'3000}).mmio_offset == 0x3000);
}

TEST_CASE("map: VGA window over RAM -> RAM on both sides, a hole hides RAM") {
  PhysicalMemory memory(2 * kMiB);
  Recorder vga;
  memory.add_mmio({0xA'0000}, 0x1'0000, vga);
  memory.add_hole({0xB'0000}, 0x1'0000);
  CHECK(memory.page({0x9'FFFF}).kind == PageKind::Ram);
  CHECK(memory.page({0xA'5000}).mmio_offset == 0x5000);
  CHECK(memory.page({0xB'0000}).kind == PageKind::Hole);
  CHECK(memory.page({0xC'0000}).host == memory.ram().data() + 0xC'0000);
}

TEST_CASE("map: a window past the end of the address space -> cut, no harm") {
  PhysicalMemory memory(kMiB);
  Recorder device;
  memory.add_mmio({~u64{0} - 0x1FFF}, 0x4000, device);
  memory.add_mmio({~kPageMask}, 0x4000, device);
  CHECK(memory.page({~u64{0} - 0x1FFF}).mmio == &device);
  CHECK(memory.page({0}).kind == PageKind::Ram);
}

TEST_CASE("MMIO: naturally aligned pieces of 1 to 8 bytes") {
  PhysicalMemory memory(kMiB);
  Recorder device;
  memory.add_mmio({0xFEC0'0000}, 0x1000, device);
  std::vector<u8> bytes(17);
  memory.read({0xFEC0'0003}, bytes);
  CHECK(device.reads == std::vector<Access>{{3, 1, 0}, {4, 4, 0}, {8, 8, 0}, {16, 4, 0}});
  CHECK(bytes[1] == 0x11);
  memory.write<u32>({0xFEC0'0002}, 0x44332211);
  memory.write<u64>({0xFEC0'0FFC}, 0x8877665544332211);
  CHECK(device.writes ==
        std::vector<Access>{{2, 2, 0x2211}, {4, 2, 0x4433}, {0xFFC, 4, 0x44332211}});
}

TEST_CASE("A20: disabled -> bit 20 of each address is 0; a change is told") {
  PhysicalMemory memory(4 * kMiB);
  int changes = 0;
  memory.on_change([&] { ++changes; });
  memory.write<u8>({0x1234}, 0x11);
  memory.write<u8>({kMiB + 0x1234}, 0x22);
  memory.set_a20(false);
  CHECK(memory.read<u8>({kMiB + 0x1234}) == 0x11);
  CHECK(memory.page({3 * kMiB}).host == memory.ram().data() + 2 * kMiB);
  memory.write<u8>({kMiB + 0x1234}, 0x33);
  memory.set_a20(true);
  memory.set_a20(true);
  CHECK(memory.read<u8>({0x1234}) == 0x33);
  CHECK(memory.read<u8>({kMiB + 0x1234}) == 0x22);
  CHECK(changes == 2);
}

TEST_CASE("watch: writers are told by page and by owner, others are not") {
  PhysicalMemory memory(2 * kMiB);
  WriteLog code, tables;
  memory.set_watcher(PhysicalMemory::kWatchCode, &code);
  memory.set_watcher(PhysicalMemory::kWatchPageTable, &tables);
  memory.watch({0x5000}, PhysicalMemory::kWatchCode);
  memory.watch({0x6000}, PhysicalMemory::kWatchPageTable);
  memory.write<u64>({0x5FFC}, 1);
  memory.write<u64>({0x7000}, 1);
  memory.notify_write({0x4FFF}, 2);
  CHECK(code.seen == std::vector<std::pair<u64, u64>>{{0x5FFC, 4}, {0x5000, 1}});
  CHECK(tables.seen == std::vector<std::pair<u64, u64>>{{0x6000, 4}});
  memory.unwatch({0x5000}, PhysicalMemory::kWatchCode);
  CHECK_FALSE(memory.watched({0x5000}));
  memory.write<u8>({0x5000}, 1);
  CHECK(code.seen.size() == 2);
}

TEST_CASE("watch: ROM, MMIO and holes -> ignored") {
  PhysicalMemory memory(kMiB);
  memory.watch({0xFEC0'0000}, PhysicalMemory::kWatchCode);
  memory.unwatch({0xFEC0'0000}, PhysicalMemory::kWatchCode);
  memory.notify_write({0xFEC0'0000}, 8);
  CHECK_FALSE(memory.watched({0xFEC0'0000}));
}

TEST_CASE("PhysicalMemory: a window over another, then removed -> the other answers again") {
  PhysicalMemory memory(16 * kMiB);
  Recorder below, above;
  memory.add_mmio({0xFEC0'0000}, kPageSize, below);
  memory.add_mmio({0xFEC0'0000}, kPageSize, above);
  memory.remove_mmio(above);
  memory.read<u32>({0xFEC0'0000});
  CHECK(below.reads.size() == 1);
  CHECK(above.reads.empty());
}
