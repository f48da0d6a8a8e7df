// SPDX-License-Identifier: MIT
// ACPI tables of the "pc" board (ACPI 6.4 chapter 5; FADT of revision 3): RSDP, RSDT, XSDT, FADT,
// FACS, MADT, HPET and DSDT. Not emulated: SRAT, SLIT, MCFG, SSDTs, sleep states other than S5.
#pragma once

#include <string_view>
#include <vector>

#include "bios/board_info.h"

namespace ring3 {

struct AcpiTables {
  std::vector<u8> rsdp;    ///< to be found in E0000h-FFFFFh, at a multiple of 16
  std::vector<u8> tables;  ///< all others but the FACS, to be placed at the address given
  std::vector<u8> facs;
};

/// `address` and `facs_address`: where the caller will place `tables` and `facs`.
AcpiTables build_acpi_tables(const BoardInfo& board, u64 address, u64 facs_address);

/// The byte that makes the sum of all bytes zero when it replaces a zero.
u8 checksum(const u8* bytes, u64 size);

}  // namespace ring3
