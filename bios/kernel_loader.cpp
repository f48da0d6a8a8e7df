// SPDX-License-Identifier: MIT
#include "bios/kernel_loader.h"

#include "bios/elf_image.h"
#include "bios/multiboot_loader.h"

namespace ring3 {

std::vector<std::string> split_modules(std::string_view list) {
  std::vector<std::string> modules;
  if (list.empty()) return modules;
  modules.emplace_back();
  for (size_t n = 0; n < list.size(); ++n) {
    if (list[n] != ',') {
      modules.back() += list[n];
    } else if (n + 1 < list.size() && list[n + 1] == ',') {
      modules.back() += ',';
      ++n;
    } else {
      modules.emplace_back();
    }
  }
  return modules;
}

Result<EntryState> load_kernel(const LoadTarget& target, const BoardInfo& board,
                               const KernelOptions& options) {
  auto image = read_image("-kernel", options.kernel);
  if (!image) return Error{image.error()};
  const bool multiboot = is_multiboot_image(*image);
  if (!multiboot && !is_linux_image(*image) && is_elf(*image)) {
    return image_error(
        "-kernel", options.kernel,
        "is an ELF file without a Multiboot header; for Linux give the bzImage, which "
        "distributions name vmlinuz");
  }
  FirmwareTables tables;
  if (options.firmware_tables) tables = install_firmware_tables(target, board);
  if (multiboot) {
    MultibootOptions multiboot_options;
    multiboot_options.kernel = options.kernel;
    multiboot_options.command_line = options.command_line;
    multiboot_options.modules = split_modules(options.initrd);
    multiboot_options.vga_text = board.vga;
    return load_multiboot(target, multiboot_options, *image);
  }
  LinuxOptions linux_options;
  linux_options.kernel = options.kernel;
  linux_options.initrd = options.initrd;
  linux_options.command_line = options.command_line;
  linux_options.entry = options.linux_entry;
  linux_options.rsdp = tables.rsdp;
  linux_options.vga_text = board.vga;
  auto loaded = load_linux(target, linux_options, std::move(*image));
  if (!loaded) return Error{loaded.error()};
  return loaded->entry;
}

}  // namespace ring3
