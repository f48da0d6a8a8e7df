// SPDX-License-Identifier: MIT
// What the options say about firmware: -bios, -boot, -fw_cfg. Values are QEMU's (QEMU 7.2
// "Invocation"), but for "-bios seabios", which finds the Debian package's image.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

/// -boot: letters a (floppy), c (hard disk), d (CD), n (network), tried in this order.
struct BootOptions {
  std::string order = "cad";
  std::string once;  ///< for the first boot only; empty: as `order`
  bool menu = false;
  bool operator==(const BootOptions&) const = default;
};

/// -fw_cfg: an item that firmware and guests find by name.
struct FwCfgOption {
  std::string name;
  std::string text, path;  ///< of string= or file=
  bool operator==(const FwCfgOption&) const = default;
};

struct FirmwareOptions {
  std::string bios;  ///< an image; empty: none was asked for
  bool own = false;  ///< our own
  BootOptions boot;
  std::vector<FwCfgOption> fw_cfg;
  std::vector<std::string> option_roms;  ///< -option-rom: images
};

/// "order=cdan,once=d,menu=on", or just the letters.
Status parse_boot(std::string_view text, BootOptions& boot);
/// "[name=]NAME,string=TEXT" or "[name=]NAME,file=PATH".
Result<FwCfgOption> parse_fw_cfg(std::string_view text);

}  // namespace ring3
