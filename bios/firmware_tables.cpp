// SPDX-License-Identifier: MIT
#include "bios/firmware_tables.h"

#include "base/bits.h"
#include "base/check.h"
#include "bios/acpi_tables.h"
#include "bios/memory_map.h"
#include "bios/mp_table.h"
#include "bios/pci_routing.h"
#include "bios/smbios.h"

namespace ring3 {
namespace {

// The IBM PC BIOS kept its dummy interrupt handler at F000:FF53.
constexpr u64 kDummyHandler = 0xFFF53;
constexpr u32 kDummyVector = 0xF000FF53;
constexpr u8 kIret = 0xCF;
// Any other vector: CF set and AH = 86h, how an AT BIOS says "function not supported".
constexpr u64 kUnsupported = 0xFFF60;
constexpr u32 kUnsupportedVector = 0xF000FF60;
constexpr u8 kUnsupportedCode[] = {0x55,                    // push bp
                                   0x89, 0xE5,              // mov bp, sp
                                   0x80, 0x4E, 0x06, 0x01,  // or byte [bp + 6], 1
                                   0x5D,                    // pop bp
                                   0xB4, 0x86,              // mov ah, 86h
                                   kIret};

template <class T>
void put(const LoadTarget& target, u64 address, T value) {
  target.write(address, {reinterpret_cast<const u8*>(&value), sizeof value});
}

void install_vectors(const LoadTarget& target) {
  for (u64 vector = 0; vector < 256; ++vector) {
    const bool hardware = vector < 0x10 || (vector >= 0x70 && vector < 0x78);
    put(target, vector * 4, hardware ? kDummyVector : kUnsupportedVector);
  }
  put(target, kDummyHandler, kIret);
  target.write(kUnsupported, kUnsupportedCode);
}

/// The BIOS data area at 400h: what kernels and boot loaders still read there.
void install_bios_data(const LoadTarget& target, const BoardInfo& board) {
  constexpr u64 kBda = 0x400, kEbdaSegment = 0x40E, kEquipment = 0x410, kBaseMemoryKib = 0x413;
  constexpr u64 kKeyboardHead = 0x41A, kKeyboardTail = 0x41C, kKeyboardStart = 0x480;
  constexpr u16 kBuffer = 0x1E, kBufferEnd = 0x3E, kMathCoprocessor = 2, kPointingDevice = 4;
  target.zero(kBda, 0x100);
  u64 slot = kBda;
  u16 ports = 0;
  for (u32 n = 0; n < 4; ++n) {
    if (!(board.com_ports >> n & 1)) continue;
    put(target, slot, pc::kComPort[n]);
    slot += 2;
    ++ports;
  }
  put(target, kEbdaSegment, static_cast<u16>(layout::kEbda >> 4));
  put(target, kEquipment,
      static_cast<u16>(kMathCoprocessor | (board.mouse ? kPointingDevice : 0) | ports << 9));
  put(target, kBaseMemoryKib, static_cast<u16>(layout::kEbda >> 10));
  put(target, kKeyboardHead, kBuffer);
  put(target, kKeyboardTail, kBuffer);
  put(target, kKeyboardStart, kBuffer);
  put(target, kKeyboardStart + 2, kBufferEnd);
  target.zero(layout::kEbda, 0x400);
  put(target, layout::kEbda, u8{1});  // its size in KiB
}

}  // namespace

FirmwareTables install_firmware_tables(const LoadTarget& target, const BoardInfo& board) {
  target.zero(layout::kFirmware, layout::kHighMemory - layout::kFirmware);
  install_vectors(target);
  install_bios_data(target, board);
  return place_tables(target, board, layout::kFirmware);
}

FirmwareTables place_tables(const LoadTarget& target, const BoardInfo& board, u64 at) {
  const MemoryMap map(target.low_ram_end, target.high_ram_end);
  const AcpiTables acpi = build_acpi_tables(board, map.acpi_start, map.facs);
  RING3_CHECK(acpi.tables.size() <= layout::kAcpiSize, "{} bytes of ACPI", acpi.tables.size());
  target.write(map.acpi_start, acpi.tables);
  target.write(map.facs, acpi.facs);

  const auto place = [&](const std::vector<u8>& bytes) {
    const u64 address = at;
    target.write(address, bytes);
    at = (at + bytes.size() + 15) & ~u64{15};
    return address;
  };
  const u64 ram = target.low_ram_end + target.high_ram_end - 0x1'0000'0000;
  FirmwareTables tables;
  tables.rsdp = place(acpi.rsdp);
  place(build_pci_routing());
  tables.mp_table = place(build_mp_table(board, at));
  tables.smbios = place(build_smbios(board, ram, target.low_ram_end, target.high_ram_end, at));
  return tables;
}

}  // namespace ring3
