// SPDX-License-Identifier: MIT
// A BIOS image on the board: where the file is, where it is mapped, and what the board tells it
// through fw_cfg and CMOS.
#pragma once

#include "bios/board_info.h"
#include "bios/load_target.h"
#include "devices/pc.h"
#include "tools/options.h"

namespace ring3 {

/// Does a BIOS find what to start, rather than that the program puts it into memory?
bool boots_by_itself(const Options& options);
/// Does our BIOS run first, and start then what a loader has put into memory?
bool starts_behind_bios(const EntryState& entry, const Options& options);

/// The video BIOS of SeaBIOS's package, for the VGA's expansion ROM; empty if it is not installed.
std::vector<u8> read_video_bios();
/// Maps the image and fills fw_cfg. To be called once, before the first reset.
Status install_firmware(Pc& board, const BoardInfo& info, const Options& options);

/// At each reset: tables into RAM, the boot order into CMOS, for `once` counts for the first boot
/// only.
void reset_firmware(Pc& board, const BoardInfo& info, const FirmwareOptions& options);

}  // namespace ring3
