// SPDX-License-Identifier: MIT
// An IDE controller with memory and wires, driven as a guest's driver would.
#pragma once

#include "devices/ide/ata_disk.h"
#include "devices/ide/ide_controller.h"
#include "tests/devices/contract.h"
#include "tests/devices/test_medium.h"

namespace ring3::test {

struct IdeBench : Bench {
  PhysicalMemory memory{u64{4} << 20};
  IdeController ide{memory, {line("irq14"), line("irq15")}};

  IdeBench() { ide.set_bus_master(true); }
  void start() { ide.reset(); }

  u8 in(u32 reg) { return static_cast<u8>(ide.read(reg, Width::Byte)); }
  void out(u32 reg, u32 value) { ide.write(reg, Width::Byte, value); }
  u8 status() { return in(8); }  ///< the alternate one: the interrupt stays
  bool irq() { return level["irq14"]; }
  u8 acknowledge() { return in(7); }

  void command28(u8 command, u32 lba, u8 count, u8 features = 0) {
    out(1, features);
    out(2, count);
    out(3, lba & 0xFF);
    out(4, lba >> 8 & 0xFF);
    out(5, lba >> 16 & 0xFF);
    out(6, 0xE0 | lba >> 24);
    out(7, command);
  }
  void command48(u8 command, u64 lba, u16 count) {
    out(2, count >> 8);
    out(3, lba >> 24 & 0xFF);
    out(4, lba >> 32 & 0xFF);
    out(5, lba >> 40 & 0xFF);
    out(2, count & 0xFF);
    out(3, lba & 0xFF);
    out(4, lba >> 8 & 0xFF);
    out(5, lba >> 16 & 0xFF);
    out(6, 0xE0);
    out(7, command);
  }
  std::vector<u8> data_in(size_t size) {
    std::vector<u8> got(size);
    for (size_t i = 0; i < size; i += 2) store(&got[i], static_cast<u16>(ide.read(0, Width::Word)));
    return got;
  }
  void data_out(const std::vector<u8>& in) {
    for (size_t i = 0; i < in.size(); i += 2) ide.write(0, Width::Word, load<u16>(&in[i]));
  }

  struct Region {
    u32 address, count;
  };
  /// The table at 1000h; the bus master is started for this direction.
  void start_dma(const std::vector<Region>& regions, bool to_memory) {
    u64 at = 0x1000;
    for (size_t i = 0; i < regions.size(); ++i, at += 8) {
      memory.write<u32>(PhysAddr{at}, regions[i].address);
      memory.write<u32>(PhysAddr{at + 4},
                        regions[i].count | (i + 1 == regions.size() ? 0x8000'0000 : 0));
    }
    ide.write(0x24, Width::Dword, 0x1000);
    out(0x22, 6);
    out(0x20, to_memory ? 8 : 0);
    out(0x20, to_memory ? 9 : 1);
  }
  u8 dma_status() { return in(0x22); }
  std::vector<u8> bytes_at(u64 address, size_t size) {
    std::vector<u8> got(size);
    memory.read(PhysAddr{address}, got);
    return got;
  }
};

inline std::vector<u8> part(const std::vector<u8>& all, size_t offset, size_t size) {
  return {all.begin() + static_cast<std::ptrdiff_t>(offset),
          all.begin() + static_cast<std::ptrdiff_t>(offset + size)};
}

}  // namespace ring3::test
