// SPDX-License-Identifier: MIT
// Places what firmware leaves behind for a guest that is started without a BIOS: ACPI, SMBIOS and
// MP tables and the BIOS data area. Not emulated: BIOS services; each call returns with CF set and
// AH = 86h, "function not supported", and hardware interrupts lead to an IRET.
#pragma once

#include "bios/board_info.h"
#include "bios/load_target.h"

namespace ring3 {

struct FirmwareTables {
  u64 rsdp = 0;
  u64 smbios = 0;
  u64 mp_table = 0;
};

/// To be called before a loader; writes F0000h-FFFFFh, the first 1.25 KiB, the EBDA and the ACPI
/// range of MemoryMap.
FirmwareTables install_firmware_tables(const LoadTarget& target, const BoardInfo& board);

/// Only the tables: ACPI at the top of RAM, the others from `at` on, in F0000h-FFFFFh.
FirmwareTables place_tables(const LoadTarget& target, const BoardInfo& board, u64 at);

}  // namespace ring3
