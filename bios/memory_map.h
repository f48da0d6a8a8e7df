// SPDX-License-Identifier: MIT
// Where RAM, firmware tables and reserved ranges lie on the "pc" board, and the map of it that
// INT 15h AX=E820h would give (ACPI 6.4 "System Address Map Interfaces").
#pragma once

#include <vector>

#include "base/types.h"

namespace ring3 {

enum class E820Type : u32 { Ram = 1, Reserved = 2, AcpiReclaim = 3, AcpiNvs = 4 };

struct E820Entry {
  u64 start = 0;
  u64 size = 0;
  E820Type type = E820Type::Ram;
  constexpr u64 end() const { return start + size; }
};

/// Fixed places of the firmware. The loaders' own data lies below kLoaderEnd.
namespace layout {
inline constexpr u64 kBootGdt = 0x800;      ///< 48 bytes
inline constexpr u64 kBootParams = 0x1000;  ///< one page
inline constexpr u64 kBootStackTop = 0x7C00;
inline constexpr u64 kMultibootInfo = 0x9000;
inline constexpr u64 kCommandLine = 0x20000;  ///< up to kLoaderEnd
inline constexpr u64 kLoaderEnd = 0x30000;
inline constexpr u64 kBootPages = 0x80000;  ///< PML4, PDPT, 4 page directories, up to kBootPagesEnd
inline constexpr u64 kBootPagesEnd = kBootPages + 6 * kPageSize;
inline constexpr u64 kEbda = 0x9FC00;      ///< 1 KiB up to A0000h
inline constexpr u64 kFirmware = 0xF0000;  ///< RSDP, SMBIOS, MP table
inline constexpr u64 kHighMemory = 0x100000;
inline constexpr u64 kAcpiSize = 0x1F000;  ///< ACPI tables, at the top of low RAM
inline constexpr u64 kNvsSize = 0x1000;    ///< FACS, right after them
}  // namespace layout

/// The memory map, from the two ends of RAM (see LoadTarget).
struct MemoryMap {
  MemoryMap(u64 low_ram_end, u64 high_ram_end);

  std::vector<E820Entry> entries;  ///< ascending, without overlap
  u64 usable_end = 0;              ///< end of usable RAM below 4 GiB; 100000h if none above 1 MiB
  u64 acpi_start = 0;              ///< ACPI tables, then the FACS kAcpiSize further on
  u64 facs = 0;
};

}  // namespace ring3
