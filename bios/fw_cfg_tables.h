// SPDX-License-Identifier: MIT
// ACPI and SMBIOS tables as QEMU hands them to a BIOS image: fw_cfg files that the BIOS places,
// and "etc/table-loader", the script that tells it how (QEMU "bios-linker-loader").
#pragma once

#include <string>
#include <vector>

#include "bios/board_info.h"

namespace ring3 {

struct FirmwareFile {
  std::string name;
  std::vector<u8> bytes;
};

std::vector<FirmwareFile> build_fw_cfg_tables(const BoardInfo& board, u64 low_ram_end,
                                              u64 high_ram_end);

}  // namespace ring3
