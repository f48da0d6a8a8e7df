// SPDX-License-Identifier: MIT
// A BIOS image on the board: where the file is, where it is mapped, and what the board tells it
// through fw_cfg and CMOS.
#pragma once

#include "bios/board_info.h"
#include "devices/pc.h"
#include "tools/firmware_options.h"

namespace ring3 {

/// Does the machine start in a BIOS, rather than in what a loader has put into memory?
inline bool has_firmware(const FirmwareOptions& options) { return !options.bios.empty(); }

/// The video BIOS of SeaBIOS's package, for the VGA's expansion ROM; empty if it is not installed.
std::vector<u8> read_video_bios();
/// Maps the image and fills fw_cfg. To be called once, before the first reset.
Status install_firmware(Pc& board, const BoardInfo& info, const FirmwareOptions& options);

/// Boot order into CMOS; at each reset, for `once` counts for the first boot only.
void set_boot_order(Pc& board, const BootOptions& boot);

}  // namespace ring3
