// SPDX-License-Identifier: MIT
#include "tools/guest_loader.h"

#include "bios/bench_guest.h"
#include "bios/embedded_guest.h"
#include "bios/firmware_tables.h"
#include "bios/kernel_loader.h"
#include "bios/raw_loader.h"
#include "host/free_memory.h"

namespace ring3 {

namespace {

EntryMode image_mode(u8 bits) {
  if (bits == 16) return EntryMode::Real16;
  return bits == 32 ? EntryMode::Protected32 : EntryMode::Long64;
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
  if (!options.kernel.empty()) {
    KernelOptions kernel;
    kernel.kernel = options.kernel;
    kernel.initrd = options.initrd;
    kernel.command_line = options.append;
    // With BIOS services to call, a kernel starts as a boot loader would start it.
    if (options.firmware.own) kernel.linux_entry = LinuxEntry::Setup16;
    auto entry = load_kernel(target, board, kernel);
    return_free_memory();  // the files' buffers
    return entry;
  }
  install_firmware_tables(target, board);
  if (options.image.empty()) return load_embedded_guest(target);
  if (options.image == kBenchImage) return load_bench_guest(target, options.bench);
  return load_raw(target, options.image, options.image_address, image_mode(options.image_bits),
                  "-image");
}

}  // namespace ring3
