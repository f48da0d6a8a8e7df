// SPDX-License-Identifier: MIT
#include "tools/guest_loader.h"

#include "bios/embedded_guest.h"
#include "bios/firmware_tables.h"
#include "bios/linux_loader.h"
#include "bios/multiboot_loader.h"
#include "bios/raw_loader.h"

namespace ring3 {

namespace {

/// -initrd of a Multiboot kernel: modules with their arguments, separated by commas, as QEMU.
std::vector<std::string> split_modules(const std::string& list) {
  std::vector<std::string> modules;
  for (size_t at = 0; at < list.size();) {
    const size_t comma = std::min(list.find(',', at), list.size());
    modules.push_back(list.substr(at, comma - at));
    at = comma + 1;
  }
  return modules;
}

EntryMode image_mode(u8 bits) {
  if (bits == 16) return EntryMode::Real16;
  return bits == 32 ? EntryMode::Protected32 : EntryMode::Long64;
}

Result<EntryState> load_kernel(const LoadTarget& target, const Options& options, u64 rsdp) {
  auto image = read_image("-kernel", options.kernel);
  if (!image) return Error{image.error()};
  if (is_linux_image(*image)) {
    LinuxOptions linux_options;
    linux_options.kernel = options.kernel;
    linux_options.initrd = options.initrd;
    linux_options.command_line = options.append;
    linux_options.rsdp = rsdp;
    auto loaded = load_linux(target, linux_options);
    if (!loaded) return Error{loaded.error()};
    return loaded->entry;
  }
  if (!is_multiboot_image(*image))
    return image_error("-kernel", options.kernel,
                       "is no Linux bzImage and no Multiboot kernel; give one of these, or -image "
                       "for a flat image");
  MultibootOptions multiboot;
  multiboot.kernel = options.kernel;
  multiboot.command_line = options.append;
  multiboot.modules = split_modules(options.initrd);
  return load_multiboot(target, multiboot, *image);
}

}  // namespace

LoadTarget load_target(PhysicalMemory& memory) {
  LoadTarget target;
  target.write = [&memory](u64 address, std::span<const u8> bytes) {
    memory.write(PhysAddr{address}, bytes);
  };
  target.low_ram_end = memory.low_ram_end();
  target.high_ram_end = memory.high_ram_end();
  return target;
}

Result<EntryState> load_guest(PhysicalMemory& memory, const BoardInfo& board,
                              const Options& options) {
  const LoadTarget target = load_target(memory);
  const FirmwareTables tables = install_firmware_tables(target, board);
  if (!options.image.empty())
    return load_raw(target, options.image, options.image_address, image_mode(options.image_bits),
                    "-image");
  if (!options.kernel.empty()) return load_kernel(target, options, tables.rsdp);
  return load_embedded_guest(target);
}

}  // namespace ring3
