// SPDX-License-Identifier: MIT
// A virtio block device on a bench, with a driver that lays out rings in guest memory.
#pragma once

#include "devices/virtio/virtio_block.h"
#include "devices/virtio/virtio_pci.h"
#include "tests/devices/contract.h"
#include "tests/devices/test_medium.h"

namespace ring3::test {

struct VirtioBench : Bench {
  static constexpr u64 kDescriptors = 0x10000, kAvailable = 0x12000, kUsed = 0x13000,
                       kData = 0x20000;
  static constexpr u16 kNext = 1, kWrite = 2, kIndirect = 4;
  static constexpr u32 kCommon = VirtioPci::kModern, kNotify = VirtioPci::kModern + 0x3000,
                       kIsr = VirtioPci::kModern + 0x1000, kConfig = VirtioPci::kModern + 0x2000;

  PhysicalMemory memory{u64{4} << 20};
  IoBus io;
  MemoryMedium medium{1000 * kSectorSize};
  VirtioBlock block{medium, "serial"};
  VirtioPci pci{
      block,
      {.memory = memory, .io = io, .intx = line("INTA"), .send = [this](u64 address, u32 data) {
         note(fmt::format("message {:x} {:x}", address, data));
         ++messages;
       }}};
  int messages = 0;
  u16 available = 0;

  void common(u32 reg, Width width, u32 value) { pci.write(kCommon + reg, width, value); }
  u32 common(u32 reg, Width width) { return pci.read(kCommon + reg, width); }
  u8 status() { return static_cast<u8>(common(20, Width::Byte)); }

  /// As a driver does it, with the features of these bits besides VERSION_1.
  void start(u64 features = 1 << 9) {
    common(20, Width::Byte, 3);
    features |= u64{1} << 32;
    for (u32 half = 0; half < 2; ++half) {
      common(8, Width::Dword, half);
      common(12, Width::Dword, static_cast<u32>(features >> (32 * half)));
    }
    common(20, Width::Byte, 11);
    common(32, Width::Dword, kDescriptors);
    common(40, Width::Dword, kAvailable);
    common(48, Width::Dword, kUsed);
    common(28, Width::Word, 1);
    common(20, Width::Byte, 15);
  }
  void descriptor(u64 table, u16 index, u64 address, u32 length, u16 flags, u16 next = 0) {
    const u64 at = table + 16u * index;
    memory.write<u64>(PhysAddr{at}, address);
    memory.write<u32>(PhysAddr{at + 8}, length);
    memory.write<u16>(PhysAddr{at + 12}, flags);
    memory.write<u16>(PhysAddr{at + 14}, next);
  }
  void header(u32 type, u64 sector) {
    memory.write<u32>(PhysAddr{kData}, type);
    memory.write<u64>(PhysAddr{kData + 8}, sector);
    memory.write<u8>(PhysAddr{kData + 16}, 0xEE);
  }
  /// Header, data and status as three descriptors from 0 on.
  void request(u32 type, u64 sector, u64 data, u32 size, bool device_writes) {
    header(type, sector);
    descriptor(kDescriptors, 0, kData, 16, kNext, 1);
    descriptor(kDescriptors, 1, data, size, kNext | (device_writes ? kWrite : 0), 2);
    descriptor(kDescriptors, 2, kData + 16, 1, kWrite);
    offer(0);
  }
  void offer(u16 head) {
    memory.write<u16>(PhysAddr{kAvailable + 4 + 2u * (available % 256)}, head);
    memory.write<u16>(PhysAddr{kAvailable + 2}, ++available);
    pci.write(kNotify, Width::Word, 0);
  }
  u8 result() { return memory.read<u8>(PhysAddr{kData + 16}); }
  u16 used() { return memory.read<u16>(PhysAddr{kUsed + 2}); }
  std::vector<u8> bytes_at(u64 address, size_t size) {
    std::vector<u8> got(size);
    memory.read(PhysAddr{address}, got);
    return got;
  }
  std::vector<u8> sectors(u64 first, u64 count) {
    const auto begin = medium.data.begin() + static_cast<std::ptrdiff_t>(first * kSectorSize);
    return {begin, begin + static_cast<std::ptrdiff_t>(count * kSectorSize)};
  }
};

}  // namespace ring3::test
