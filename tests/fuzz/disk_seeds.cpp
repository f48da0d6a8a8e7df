// SPDX-License-Identifier: MIT
// IDE, ATAPI and floppy by PIO and DMA, virtio-blk by legacy and modern registers, virtio-input,
// vmmouse.
#include "tests/fuzz/builder.h"
#include "tests/fuzz/device_seeds.h"

namespace ring3::fuzz {
namespace {

constexpr u8 kTable = 2, kData = 8;

/// A command with its registers: features, count, LBA, device, command.
Builder& ata(Builder& b, Port port, u32 command, u32 device = 0xE0, u32 count = 1, u32 lba = 1,
             u32 features = 0) {
  b.out(port, device, 6).out(port, features, 1).out(port, count, 2).out(port, lba & 0xFF, 3);
  b.out(port, lba >> 8 & 0xFF, 4).out(port, lba >> 16 & 0xFF, 5).out(port, command, 7);
  return b.in(port, 7);
}
/// The registers written twice, as for 48 bits.
Builder& ata48(Builder& b, Port port, u32 command, u32 count, u32 high) {
  b.out(port, count >> 8, 2).out(port, high, 3).out(port, 0, 4).out(port, 0, 5);
  return ata(b, port, command, 0xE0, count & 0xFF, 7);
}
Builder& dma(Builder& b, u16 channel, bool to_memory) {
  b.prd(kTable, 0, kData, 1024, false).prd(kTable, 1, kData + 1, 0x2000, true);
  b.out(kBusMaster, 0x12000, static_cast<u16>(channel + 4), 2).out(kBusMaster, 6, channel + 2u);
  return b.out(kBusMaster, to_memory ? 9 : 1, channel).in(kBusMaster, channel + 2u);
}
Builder& packet(Builder& b, std::initializer_list<u32> words, u32 reply, bool by_dma = false) {
  b.out(kIde2, 0xA0, 6).out(kIde2, by_dma ? 1 : 0, 1).out(kIde2, 0, 4).out(kIde2, 8, 5);
  b.out(kIde2, 0xA0, 7).in(kIde2, 7);
  for (const u32 word : words) b.out(kIde2, word, 0, 1);
  return b.in(kIde2, 7).in_repeat(kIde2, reply).in(kIde2, 7);
}

Builder ide_pio() {
  Builder b;
  ata(b, kIde1, 0xEC).in_repeat(kIde1, 256);
  ata(b, kIde1, 0x20, 0xE0, 2).in_repeat(kIde1, 256).in(kIde1, 7).in_repeat(kIde1, 128, 2);
  ata(b, kIde1, 0x30, 0xE0, 1).out_repeat(kIde1, 256).in(kIde1, 7);
  ata(b, kIde1, 0xC6, 0xE0, 8);
  ata(b, kIde1, 0xC4, 0xE0, 16)
      .in_repeat(kIde1, 1023)
      .in_repeat(kIde1, 1023)
      .in_repeat(kIde1, 1023);
  ata(b, kIde1, 0xC5, 0xF0, 4, 2).out_repeat(kIde1, 1023).out_repeat(kIde1, 1);
  ata48(b, kIde1, 0x24, 0x102, 3).in_repeat(kIde1, 512);
  ata48(b, kIde1, 0x29, 2, 0).in_repeat(kIde1, 512);
  ata(b, kIde1, 0x91, 0xAF, 63), ata(b, kIde1, 0x20, 0xA1, 1, 0x010203).in_repeat(kIde1, 256);
  return b.out(kIdeCtl1, 4).pass(5000).out(kIdeCtl1, 2).in(kIde1, 7).restore();
}

Builder ide_rest() {
  Builder b;
  for (const u32 command : {0xE7, 0xEA, 0x40, 0x42, 0x90, 0xE5, 0xE6, 0xF8, 0x27, 0x08, 0x10, 0xFF})
    ata(b, kIde1, command);
  for (const u32 feature : {3, 2, 0x82, 0xAA, 0x55, 0x66, 0x05})
    ata(b, kIde1, 0xEF, 0xF0, 0x45, 0, feature);
  ata(b, kIde1, 0x06, 0xE0, 1, 0, 1);
  dma(b, 0, false).op({Kind::Medium, 0, 0, 3});
  ata(b, kIde1, 0x20), ata(b, kIde1, 0xCA), ata(b, kIde1, 0xE7);
  return b.op({Kind::Medium}).restore();
}

Builder ide_dma() {
  Builder b;
  b.pci(2, 4, 5, 1);
  ata(b, kIde1, 0xC8, 0xE0, 8), dma(b, 0, true).in(kBusMaster, 2).out(kBusMaster, 0);
  ata(b, kIde1, 0xCA, 0xF0, 8), dma(b, 0, false).in(kIde1, 7).out(kBusMaster, 0);
  ata48(b, kIde1, 0x25, 0x11, 1), dma(b, 0, true).sleep().interrupt();
  dma(b, 0, true), ata48(b, kIde1, 0x35, 2, 1).out(kBusMaster, 0).in(kBusMaster, 2);
  return b.restore();
}

Builder atapi() {
  Builder b;
  ata(b, kIde2, 0xA1, 0xA0).in_repeat(kIde2, 256), ata(b, kIde2, 0xEC, 0xA0);
  packet(b, {0, 0, 0, 0, 0, 0}, 0), packet(b, {3, 0, 18, 0, 0, 0}, 9);
  packet(b, {0x12, 0, 36, 0, 0, 0}, 18), packet(b, {0x25, 0, 0, 0, 0, 0}, 4);
  packet(b, {0x28, 0, 0x1000, 0, 2, 0}, 1023), packet(b, {0xA8, 0, 0, 0, 0x300, 0}, 1023);
  packet(b, {0x43, 0, 0, 0, 0x0C, 0}, 6), packet(b, {0x43, 0x102, 0, 0, 0x0C, 0}, 6);
  packet(b, {0x5A, 0x2A, 0, 0, 0x80, 0}, 20), packet(b, {0x46, 0, 0, 0, 0x20, 0}, 16);
  packet(b, {0x4A, 1, 0x10, 0, 8, 0}, 4), packet(b, {0x51, 0, 0, 0, 0x22, 0}, 17);
  packet(b, {0xBE, 0x400, 0, 0, 0x0100, 0xF8}, 1023), packet(b, {0x1B, 0, 2, 0, 0, 0}, 0);
  packet(b, {0x1E, 0, 1, 0, 0, 0}, 0), packet(b, {0xBD, 0, 0, 0, 8, 0}, 4);
  return b.restore();
}

Builder atapi_dma() {
  Builder b;
  b.pci(2, 4, 5, 1);
  packet(b, {0x28, 0, 0, 0, 2, 0}, 0, true), dma(b, 8, true).in(kIde2, 7).out(kBusMaster, 0, 8);
  packet(b, {0x12, 0, 36, 0, 0, 0}, 0, true), dma(b, 8, true);
  return b.restore();
}

Builder& floppy_command(Builder& b, std::initializer_list<u32> bytes, u32 results) {
  for (const u32 byte : bytes) b.in(kFdc, 4).out(kFdc, byte, 5);
  return b.sleep(2).in_repeat(kFdc, results, 0, 5);
}
/// 8237 channel 2: page, address, count, mode.
Builder& floppy_dma(Builder& b, u32 mode) {
  b.out(kDmaA, 6, 10).out(kDmaA, 0, 12).outs(kDmaA, {0, 0x80}, 4).outs(kDmaA, {0xFF, 0x11}, 5);
  return b.out(kPages, 1, 0).out(kDmaA, mode, 11).out(kDmaA, 2, 10);
}

Builder floppy() {
  Builder b;
  b.out(kFdc, 0, 2).out(kFdc, 0x1C, 2).sleep(2);
  for (int i = 0; i < 4; ++i) floppy_command(b, {0x08}, 2);
  floppy_command(b, {0x03, 0xAF, 2}, 0), floppy_command(b, {0x07, 0}, 0), floppy_command(b, {8}, 2);
  floppy_command(b, {0x0F, 0, 5}, 0), floppy_command(b, {8}, 2), floppy_command(b, {0x4A, 0}, 7);
  floppy_dma(b, 0x46), floppy_command(b, {0xE6, 0, 5, 0, 1, 2, 18, 0x1B, 0xFF}, 7);
  floppy_dma(b, 0x4A), floppy_command(b, {0xC5, 0, 5, 0, 1, 2, 18, 0x1B, 0xFF}, 7);
  floppy_dma(b, 0x4A), floppy_command(b, {0x4D, 0, 2, 18, 0x1B, 0xF6}, 7);
  floppy_dma(b, 0x46), floppy_command(b, {0x42, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF}, 7);
  for (const u32 command : {0x0E, 0x10, 0x04, 0x14, 0x94, 0x13, 0x12, 0x16, 0x33})
    floppy_command(b, {command, 0, 0, 0}, 10);
  return b.in(kFdc, 7).out(kFdc, 0x80, 4).out(kDmaA, 0, 13).in(kDmaA, 8).in(kDmaB, 0).restore();
}

/// Data by PIO: without DMA in SPECIFY.
Builder floppy_pio() {
  Builder b;
  b.out(kFdc, 0x1C, 2);
  for (int i = 0; i < 4; ++i) floppy_command(b, {0x08}, 2);
  floppy_command(b, {0x03, 0xAF, 3}, 0), floppy_command(b, {0x46, 0, 0, 0, 1, 2, 2, 0x1B, 0xFF}, 0);
  b.in_repeat(kFdc, 1023, 0, 5).in_repeat(kFdc, 8, 0, 5);
  floppy_command(b, {0x45, 0, 0, 0, 3, 2, 3, 0x1B, 0xFF}, 0).out_repeat(kFdc, 512, 0, 5);
  return b.in_repeat(kFdc, 7, 0, 5).restore();
}

constexpr u8 kDescriptors = 0, kAvailable = 1, kHeader = 4;  // the used ring is at 3
constexpr unsigned kNext = 1, kWrite = 2, kIndirect = 4;

Builder& modern_start(Builder& b, Memory at, u32 features = 0x6200) {
  b.write(at, 20, 0, 0).write(at, 20, 3, 0).write(at, 8, 0).write(at, 12, features);
  b.write(at, 8, 1).write(at, 12, 1).write(at, 20, 11, 0).read(at, 20, 0).write(at, 22, 0, 1);
  b.write(at, 24, 64, 1).write(at, 32, 0x10000).write(at, 40, 0x11000).write(at, 48, 0x13000);
  return b.write(at, 26, 0, 1).write(at, 28, 1, 1).write(at, 20, 15, 0);
}
/// A request of header, data and status; `slot`: how many were made before.
Builder& request(Builder& b, u32 type, u32 sector, u32 bytes, bool device_writes, u16 slot) {
  b.ram(kHeader, 0, type).ram(kHeader, 8, sector, 3);
  b.descriptor(kDescriptors, 0, kHeader, 16, kNext, 1);
  b.descriptor(kDescriptors, 1, kData, bytes, kNext | (device_writes ? kWrite : 0), 2);
  b.descriptor(kDescriptors, 2, kHeader + 1, 1, kWrite, 0);
  return b.ram(kAvailable, static_cast<u16>(4 + 2 * slot), 0, 1).ram(kAvailable, 2, slot + 1u, 1);
}

Builder virtio_modern(Memory at) {
  Builder b;
  modern_start(b, at);
  request(b, 0, 1, 4096, true, 0).write(at, 0x3000, 0, 1).read(at, 0x1000, 0);
  request(b, 1, 1, 1024, false, 1).write(at, 0x3000, 0, 1);
  request(b, 4, 0, 0, false, 2).write(at, 0x3000, 0, 1);
  request(b, 8, 0, 20, true, 3).write(at, 0x3000, 0, 1);
  b.ram(kData, 0, 2, 3).ram(kData, 8, 8), request(b, 11, 0, 16, false, 4).write(at, 0x3000, 0, 1);
  b.ram(kData, 0, 2, 3).ram(kData, 8, 8), request(b, 13, 0, 16, false, 5).write(at, 0x3000, 0, 1);
  // An indirect table.
  b.descriptor(kData, 0, kHeader, 16, kNext, 1)
      .descriptor(kData, 1, kData + 1, 512, kNext | kWrite, 2);
  b.descriptor(kData, 2, kHeader + 1, 1, kWrite, 0)
      .descriptor(kDescriptors, 0, kData, 48, kIndirect, 0);
  b.ram(kHeader, 0, 0).ram(kAvailable, 16, 0, 1).ram(kAvailable, 2, 7, 1).write(at, 0x3000, 0, 1);
  for (u16 reg = 0; reg < 0x38; reg += 4) b.read(at, reg);
  return b.read(at, 0x2000).write(at, 0x2020, 0, 0).restore().write(at, 20, 0, 0);
}

Builder virtio_messages() {
  Builder b;
  b.pci(5, 0x40, 0x80000000).write(kApic, 0xF0, 0x1FF);
  for (u16 vector = 0; vector < 2; ++vector) {
    const u16 entry = static_cast<u16>(16 * vector);
    b.write(kMsix1, entry, 0xFEE00000).write(kMsix1, entry + 4u, 0);
    b.write(kMsix1, entry + 8u, 0x50u + vector).write(kMsix1, entry + 12u, 0);
  }
  for (u16 reg = 0x40; reg < 0xB0; reg += 4) b.pci_in(5, reg);
  b.pci(5, 0x42, 0x8000, 1).pci(5, 0x9A, 0x8000, 1).pci(5, 0x98, 0x80000011);
  modern_start(b, kModern1, 0x20006200).write(kModern1, 16, 1, 1);
  request(b, 0, 0, 512, true, 0).write(kModern1, 0x3000, 0, 1).interrupt();
  return b.write(kMsix1, 12, 1).restore();
}

Builder virtio_legacy() {
  Builder b;
  b.in(kVirtio1, 0, 2).out(kVirtio1, 0, 18).out(kVirtio1, 3, 18).out(kVirtio1, 0x200, 4, 2);
  b.out(kVirtio1, 0, 14, 1).in(kVirtio1, 12, 1).out(kVirtio1, 0x10, 8, 2).out(kVirtio1, 7, 18);
  // 256 entries: the available ring follows the table, the used ring starts at the next page.
  request(b, 0, 3, 1024, true, 0).out(kVirtio1, 0, 16, 1).in(kVirtio1, 19);
  request(b, 1, 3, 512, false, 1).out(kVirtio1, 0, 16, 1).in(kVirtio1, 19).interrupt();
  b.in_repeat(kVirtio1, 8, 2, 20).out(kVirtio1, 0, 18);
  return b.restore();
}

/// Both queues with buffers, the configuration by selectors, then events; a driver that stays.
Builder virtio_input(Memory at) {
  Builder b;
  modern_start(b, at, 0);
  for (unsigned i = 0; i < 16; ++i) {
    b.descriptor(kDescriptors, i, static_cast<u8>(kData + i / 8), 8, kWrite, 0);
    b.ram(kAvailable, static_cast<u16>(4 + 2 * i), i, 1);
  }
  b.ram(kAvailable, 2, 16, 1).write(at, 0x3000, 0, 1);
  for (const u32 what : {1, 2, 3, 0x10, 0x11, 0x12})
    for (const u32 about : {0, 1, 2, 3, 0x11, 0x14})
      b.write(at, 0x2000, what, 0).write(at, 0x2001, about, 0).read(at, 0x2002, 0).read(at, 0x2008);
  b.op({Kind::Key, 0, 0x1E, 1}).op({Kind::Key, 0, 0x1E, 0}).op({Kind::Key, 0, 0xE04B, 1});
  b.op({Kind::Pointer, 0x95, 100, 30000}).op({Kind::Pointer, 0x70, 5, 0xFFFB}).interrupt();
  for (unsigned n = 0; n < 12; ++n) b.op({Kind::Key, 0, 0x10, n & 1});
  b.write(at, 22, 1, 1).write(at, 24, 64, 1).write(at, 32, 0x14000).write(at, 40, 0x15000);
  b.write(at, 48, 0x16000).write(at, 28, 1, 1).descriptor(4, 0, kData, 8, 0, 0);
  b.ram(kData, 0, 0x11).ram(kData, 4, 1).ram(5, 4, 0, 1).ram(5, 2, 1, 1).write(at, 0x3004, 1, 1);
  return b.read(at, 0x1000, 0).restore().write(at, 20, 0, 0);
}

Builder vmmouse() {
  Builder b;
  const auto call = [&b](u8 command, u32 argument) {
    b.op({Kind::Backdoor, command, 0, argument});
  };
  call(10, 0), call(41, 0x45414552), call(40, 0), call(39, 1), call(41, 0x53424152);
  for (u16 n = 0; n < 4; ++n) b.op({Kind::Pointer, static_cast<u8>(0x81 | n << 1), n, 1000});
  call(40, 0), call(39, 4), call(39, 4), call(39, 6), call(39, 9), call(40, 0);
  call(41, 0x45414552), call(41, 0x4C455252), call(41, 0xF5);
  return b.in(kVmMouse, 0, 2).restore();
}

}  // namespace

void add_disk_seeds(std::vector<Seed>& out) {
  out.push_back({"ide_pio", ide_pio().bytes});
  out.push_back({"ide_rest", ide_rest().bytes});
  out.push_back({"ide_dma", ide_dma().bytes});
  out.push_back({"atapi", atapi().bytes});
  out.push_back({"atapi_dma", atapi_dma().bytes});
  out.push_back({"floppy", floppy().bytes});
  out.push_back({"floppy_pio", floppy_pio().bytes});
}

void add_virtio_seeds(std::vector<Seed>& out) {
  out.push_back({"virtio_modern", virtio_modern(kModern1).bytes});
  out.push_back({"virtio_read_only", virtio_modern(kModern2).bytes});
  out.push_back({"virtio_messages", virtio_messages().bytes});
  out.push_back({"virtio_legacy", virtio_legacy().bytes});
  out.push_back({"virtio_keyboard", virtio_input(kKeyboardWindow).bytes});
  out.push_back({"virtio_mouse", virtio_input(kMouseWindow).bytes});
  out.push_back({"virtio_tablet", virtio_input(kTabletWindow).bytes});
  out.push_back({"vmmouse", vmmouse().bytes});
}

}  // namespace ring3::fuzz
