// SPDX-License-Identifier: MIT
// -kernel, -initrd and -append: finds out what kind of kernel the file is and loads it.
#pragma once

#include "bios/firmware_tables.h"
#include "bios/linux_loader.h"

namespace ring3 {

struct KernelOptions {
  std::string kernel;
  std::string initrd;  ///< for Multiboot: "module arguments,module arguments"; ",," is a comma
  std::string command_line;
  LinuxEntry linux_entry = LinuxEntry::Best;
  bool firmware_tables = true;  ///< false: a BIOS brings its own
};

/// Installs the firmware tables, then loads a Multiboot kernel or a Linux kernel, tried in this
/// order. An error leaves the kernel unloaded.
Result<EntryState> load_kernel(const LoadTarget& target, const BoardInfo& board,
                               const KernelOptions& options);

/// Splits a -initrd list of Multiboot modules.
std::vector<std::string> split_modules(std::string_view list);

}  // namespace ring3
