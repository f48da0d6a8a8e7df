// SPDX-License-Identifier: MIT
// Loads a Linux kernel by the Linux/x86 boot protocol (Documentation/arch/x86/boot.rst), versions
// 2.00 to 2.15. Not emulated: kernels before 2.00, the EFI handover entry, setup_data lists, and
// BIOS services for the 16-bit entry.
#pragma once

#include <optional>
#include <string>

#include "bios/load_target.h"

namespace ring3 {

enum class LinuxEntry : u8 { Best, Setup16, Protected32, Long64 };

struct LinuxOptions {
  std::string kernel;
  std::string initrd;  ///< empty: none
  std::string command_line;
  LinuxEntry entry = LinuxEntry::Best;  ///< Best: 64-bit where the kernel has it, else 32, else 16
  u64 rsdp = 0;                         ///< see install_firmware_tables
  bool vga_text = false;                ///< an 80x25 colour text screen is there and in mode 3
};

struct LoadedLinux {
  EntryState entry;
  u16 protocol = 0;  ///< 20Fh = 2.15
  u64 kernel_address = 0;
  u64 initrd_address = 0, initrd_size = 0;
};

/// True if `image` carries the boot protocol's signature.
bool is_linux_image(std::span<const u8> image);

/// Writes kernel, initrd, command line and boot_params. Nothing is written unless all fits.
/// `image` is the file options.kernel; without one it is read here.
Result<LoadedLinux> load_linux(const LoadTarget& target, const LinuxOptions& options,
                               std::vector<u8> image = {});

}  // namespace ring3
