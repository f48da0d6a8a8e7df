// SPDX-License-Identifier: MIT
#include "bios/mp_table.h"

#include "bios/acpi_tables.h"
#include "bios/byte_writer.h"

namespace ring3 {
namespace {

enum Entry : u8 { kProcessor = 0, kBus = 1, kIoApic = 2, kIoInterrupt = 3, kLocalInterrupt = 4 };
enum InterruptType : u8 { kInt = 0, kNmi = 1, kExtInt = 3 };
constexpr u8 kIsaBus = 0, kAllApics = 0xFF, kIoApicVersion = 0x11, kLocalApicVersion = 0x14;
constexpr u16 kConforms = 0, kLevelActiveHigh = 0x0D;

struct Entries {
  ByteWriter bytes;
  u16 count = 0;

  ByteWriter& add(Entry type) {
    ++count;
    return bytes.u8_(type);
  }
  void interrupt(Entry entry, InterruptType type, u16 flags, u8 irq, u8 apic, u8 pin) {
    add(entry).u8_(type).u16_(flags).u8_(kIsaBus).u8_(irq).u8_(apic).u8_(pin);
  }
};

void add_processors(Entries& e, u32 cpus) {
  constexpr u8 kEnabled = 1, kBootProcessor = 2;
  constexpr u32 kSignature = 0x600, kFeatures = 0x201;  // family 6; FPU and APIC on chip
  for (u32 n = 0; n < cpus; ++n) {
    e.add(kProcessor).u8_(n).u8_(kLocalApicVersion).u8_(kEnabled | (n == 0 ? kBootProcessor : 0));
    e.bytes.u32_(kSignature).u32_(kFeatures).zeros(8);
  }
}

/// ISA interrupts one to one, but for the timer at pin 2 and the 8259s' cascade, which has none.
void add_isa_interrupts(Entries& e) {
  for (u8 irq = 0; irq < 16; ++irq) {
    if (irq == 2) continue;
    const bool pci = irq == 5 || irq == 9 || irq == 10 || irq == 11;
    e.interrupt(kIoInterrupt, kInt, pci ? kLevelActiveHigh : kConforms, irq, pc::kIoApicId,
                irq == 0 ? 2 : irq);
  }
  e.interrupt(kLocalInterrupt, kExtInt, kConforms, 0, kAllApics, 0);
  e.interrupt(kLocalInterrupt, kNmi, kConforms, 0, kAllApics, 1);
}

std::vector<u8> configuration(const BoardInfo& board) {
  constexpr u64 kHeaderSize = 44, kChecksumAt = 7;
  Entries e;
  add_processors(e, board.cpus);
  e.add(kBus).u8_(kIsaBus).text("ISA   ");
  e.add(kIoApic).u8_(pc::kIoApicId).u8_(kIoApicVersion).u8_(1).u32_(pc::kIoApic);
  add_isa_interrupts(e);
  ByteWriter w;
  w.text("PCMP").u16_(kHeaderSize + e.bytes.size()).u8_(4).u8_(0);
  w.text("RING3   ").text("pc          ").u32_(0).u16_(0).u16_(e.count);
  w.u32_(pc::kLocalApic).u16_(0).u8_(0).u8_(0).bytes(e.bytes.take());
  std::vector<u8> out = w.take();
  out[kChecksumAt] = checksum(out.data(), out.size());
  return out;
}

}  // namespace

std::vector<u8> build_mp_table(const BoardInfo& board, u64 address) {
  constexpr u64 kPointerSize = 16, kChecksumAt = 10;
  ByteWriter w;
  w.text("_MP_").u32_(address + kPointerSize).u8_(1).u8_(4).u8_(0).zeros(5);
  std::vector<u8> out = w.take();
  out[kChecksumAt] = checksum(out.data(), kPointerSize);
  const std::vector<u8> table = configuration(board);
  out.insert(out.end(), table.begin(), table.end());
  return out;
}

}  // namespace ring3
