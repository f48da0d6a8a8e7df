// SPDX-License-Identifier: MIT
#include "bios/rom_image.h"

#include <algorithm>

#include "base/bits.h"
#include "base/check.h"
#include "bios/firmware_tables.h"
#include "bios/memory_map.h"

namespace ring3 {
namespace {

constexpr u8 kImage[] = {
#include "rom.inc"
};
static_assert(sizeof kImage == kRomSize);

// header.asm
constexpr u32 kFlags = 0x10, kComs = 0x11, kE820Count = 0x12, kBaseKib = 0x14, kAbove1 = 0x16,
              kAbove16 = 0x18, kCpus = 0x1B, kEntry = 0x1C, kEntryDs = 0x20, kEntrySp = 0x22;
constexpr u32 kE820 = 0x40, kE820Entry = 20, kE820Most = 16;
constexpr u32 kTables = 0x200, kTablesEnd = 0x4000;
enum Flag : u8 { kSerialConsole = 1, kBootMenu = 2, kVga = 4 };

constexpr u64 kMiB = 1 << 20;

void put_memory_map(std::vector<u8>& rom, const LoadTarget& target) {
  const MemoryMap map(target.low_ram_end, target.high_ram_end);
  RING3_CHECK(map.entries.size() <= kE820Most, "{} E820 entries", map.entries.size());
  u8* out = &rom[kE820];
  for (const E820Entry& entry : map.entries) {
    store(out, entry.start);
    store(out + 8, entry.size);
    store(out + 16, static_cast<u32>(entry.type));
    out += kE820Entry;
  }
  const u64 above1 = std::min(map.usable_end, 16 * kMiB) - kMiB;
  const u64 above16 = std::max(map.usable_end, 16 * kMiB) - 16 * kMiB;
  store(&rom[kE820Count], static_cast<u16>(map.entries.size()));
  store(&rom[kBaseKib], static_cast<u16>(layout::kEbda >> 10));
  store(&rom[kAbove1], static_cast<u16>(above1 >> 10));
  store(&rom[kAbove16], static_cast<u16>(above16 >> 16));
}

/// Writes to the ROM's window end up in `rom`; others in RAM, or nowhere.
LoadTarget into_rom(const LoadTarget& target, std::vector<u8>* rom, bool ram) {
  LoadTarget both = target;
  both.write = [target, rom, ram](u64 address, std::span<const u8> bytes) {
    const bool inside = address >= kRomAddress && address < kRomAddress + kRomSize;
    if (!inside && ram) target.write(address, bytes);
    if (!inside || !rom) return;
    RING3_CHECK(address - kRomAddress + bytes.size() <= kTablesEnd, "tables do not fit the ROM");
    std::ranges::copy(bytes, rom->begin() + static_cast<i64>(address - kRomAddress));
  };
  return both;
}

}  // namespace

std::vector<u8> build_rom(const LoadTarget& target, const BoardInfo& board,
                          const RomOptions& options) {
  std::vector<u8> rom(std::begin(kImage), std::end(kImage));
  rom[kFlags] = static_cast<u8>((options.serial_console ? kSerialConsole : 0) |
                                (options.boot_menu ? kBootMenu : 0) | (board.vga ? kVga : 0));
  rom[kComs] = static_cast<u8>(board.com_ports);
  rom[kCpus] = static_cast<u8>(board.cpus);
  if (options.entry) {
    store(&rom[kEntry], static_cast<u16>(options.entry->rip));
    store(&rom[kEntry + 2], options.entry->cs);
    store(&rom[kEntryDs], options.entry->ds);
    store(&rom[kEntrySp], static_cast<u16>(options.entry->rsp));
  }
  put_memory_map(rom, target);
  place_tables(into_rom(target, &rom, false), board, kRomAddress + kTables);
  return rom;
}

void place_rom_tables(const LoadTarget& target, const BoardInfo& board) {
  place_tables(into_rom(target, nullptr, true), board, kRomAddress + kTables);
}

}  // namespace ring3
