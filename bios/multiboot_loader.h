// SPDX-License-Identifier: MIT
// Loads a kernel by the Multiboot Specification 0.6.96: ELF32, ELF64 and the a.out kludge, modules,
// memory map, command line. Not emulated: drive and APM tables, ELF section headers, graphics
// modes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bios/load_target.h"

namespace ring3 {

struct MultibootOptions {
  std::string option = "-kernel";  ///< as errors name it
  std::string kernel;              ///< file name; also the first word of the command line
  std::string command_line;
  std::vector<std::string> modules;  ///< "file arguments" each
  bool vga_text = false;             ///< an 80x25 colour text screen is there and in mode 3
};

/// True if `image` carries a valid Multiboot 1 header.
bool is_multiboot_image(std::span<const u8> image);

/// Reads `options.kernel`. Nothing is written unless all fits.
Result<EntryState> load_multiboot(const LoadTarget& target, const MultibootOptions& options);
/// The same with the image in memory.
Result<EntryState> load_multiboot(const LoadTarget& target, const MultibootOptions& options,
                                  std::span<const u8> image);

}  // namespace ring3
