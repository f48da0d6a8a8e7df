// SPDX-License-Identifier: MIT
#include "tools/firmware.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <string>

#include "bios/fw_cfg_tables.h"
#include "bios/kernel_loader.h"
#include "bios/kernel_rom.h"
#include "bios/raw_loader.h"
#include "bios/rom_image.h"
#include "tools/guest_loader.h"

namespace ring3 {

namespace {

constexpr std::string_view kSeaBios = "seabios", kSeaBiosFolder = "/usr/share/seabios",
                           kSeaBiosImage = "bios-256k.bin", kVideoBiosImage = "vgabios-stdvga.bin";

/// "seabios", a file, or the name of one in SeaBIOS's package.
Result<std::string> find_image(const std::string& wanted) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const bool packaged = wanted == kSeaBios;
  if (!packaged && fs::exists(wanted, ignored)) return wanted;
  const fs::path installed =
      fs::path(kSeaBiosFolder) / (packaged ? std::string(kSeaBiosImage) : wanted);
  if (fs::exists(installed, ignored)) return installed.string();
  if (!packaged) return wanted;
  return Error{
      fmt::format("-bios {}: {} is not there; install the Debian package seabios, or give "
                  "-bios FILE",
                  wanted, installed.string())};
}

Status map_image(Pc& board, const std::string& wanted) {
  auto path = find_image(wanted);
  if (!path) return Error{path.error()};
  auto image = read_bios(*path);
  if (!image) return Error{image.error()};
  const std::span<const u8> low = image->low();
  board.add_rom(PhysAddr{image->high_address}, image->bytes);
  board.add_rom(PhysAddr{image->low_address}, {low.begin(), low.end()});
  return success();
}

Status add_items(FwCfg& fw_cfg, const std::vector<FwCfgOption>& items) {
  for (const FwCfgOption& item : items) {
    std::vector<u8> bytes(item.text.begin(), item.text.end());
    if (!item.path.empty()) {
      auto read = read_image("-fw_cfg", item.path);
      if (!read) return Error{read.error()};
      bytes = std::move(*read);
    }
    fw_cfg.add_file(item.name, std::move(bytes));
  }
  return success();
}

Status add_option_roms(FwCfg& fw_cfg, const std::vector<std::string>& paths) {
  constexpr size_t kMost = 0x17C00;  // as much as our BIOS has room for
  std::set<std::string> names;
  for (const std::string& path : paths) {
    auto image = read_image("-option-rom", path);
    if (!image) return Error{image.error()};
    const bool signature = image->size() >= 3 && (*image)[0] == 0x55 && (*image)[1] == 0xAA;
    if (!signature || image->size() > kMost)
      return image_error("-option-rom", path,
                         "is no option ROM (55h AAh, at most 95 KiB); give another file");
    const std::string name = "genroms/" + std::filesystem::path(path).filename().string();
    if (!names.insert(name).second)
      return image_error("-option-rom", path, "is named as another one; copy it to another name");
    if (!fw_cfg.add_file(name, std::move(*image)))
      return image_error("-option-rom", path,
                         "has a name of more than 47 characters; copy it to a shorter one");
  }
  return success();
}

/// -kernel behind a BIOS image: an option ROM is its first boot device.
Status add_kernel_rom(Pc& board, const BoardInfo& info, const Options& options) {
  constexpr u16 kPiecesKey = 0x8010;  // of fw_cfg, an architecture's own
  constexpr std::string_view kName = "ring3-kernel.bin";
  KernelOptions kernel;
  kernel.kernel = options.kernel;
  kernel.initrd = options.initrd;
  kernel.command_line = options.append;
  kernel.linux_entry = LinuxEntry::Setup16;
  kernel.firmware_tables = false;
  KernelPieces pieces;
  const auto entry = load_kernel(pieces.target(load_target(board.memory())), info, kernel);
  if (!entry) return Error{entry.error()};
  auto rom = pieces.rom(*entry, kPiecesKey);
  if (!rom) return Error{rom.error()};
  board.fw_cfg().add_bytes(kPiecesKey, pieces.data());
  board.fw_cfg().add_file(fmt::format("genroms/{}", kName), std::move(*rom));
  const std::string order = fmt::format("/rom@genroms/{}", kName);
  std::vector<u8> bytes(order.begin(), order.end());
  bytes.push_back(0);
  board.fw_cfg().add_file("bootorder", std::move(bytes));
  return success();
}

/// Without a display the BIOS talks on the first serial line too (a 16-bit port number).
void add_serial_console(Pc& board) {
  if (!board.serial(0)) return;
  board.fw_cfg().add_file("etc/sercon-port", {pc::kComPort[0] & 0xFF, pc::kComPort[0] >> 8});
}

unsigned cmos_code(std::string_view order, size_t place) {
  constexpr std::string_view kLetters = " acdn";  // floppy 1, disk 2, CD 3, network 4
  return place < order.size() ? static_cast<unsigned>(kLetters.find(order[place])) : 0;
}

/// As QEMU lays it out: 3Dh the first two devices, 38h the third, bit 0: boot floppies without
/// looking at their signature.
void set_boot_order(Pc& board, const BootOptions& boot) {
  constexpr u8 kFirstTwo = 0x3D, kThird = 0x38;
  const bool first_boot = board.cpu().state.instructions == 0;
  const std::string& order = first_boot && !boot.once.empty() ? boot.once : boot.order;
  board.rtc().set_cmos(kFirstTwo, static_cast<u8>(cmos_code(order, 0) | cmos_code(order, 1) << 4));
  board.rtc().set_cmos(kThird, static_cast<u8>(cmos_code(order, 2) << 4));
}

/// Not by Pc::add_rom: the board comes up set up, as our BIOS expects it.
void map_own(Pc& board, const BoardInfo& info, const RomOptions& options) {
  PhysicalMemory& memory = board.memory();
  const std::vector<u8> image = build_rom(load_target(memory), info, options);
  memory.add_rom(PhysAddr{kRomAddress}, image);
  memory.add_rom(PhysAddr{0x1'0000'0000 - kRomSize}, image);
}

/// What a -kernel or -image needs of the BIOS is known once it is in memory.
Status install_own(Pc& board, const BoardInfo& info, const Options& options) {
  RomOptions rom;
  rom.serial_console = true;  // there is no display
  rom.boot_menu = options.firmware.boot.menu;
  if (!boots_by_itself(options)) {
    const auto entry = load_guest(board.memory(), info, options);
    if (!entry) return Error{entry.error()};
    if (starts_behind_bios(*entry, options)) rom.entry = *entry;
  }
  map_own(board, info, rom);
  return success();
}

Status install_image(Pc& board, const BoardInfo& info, const Options& all) {
  const FirmwareOptions& options = all.firmware;
  if (!all.kernel.empty())
    if (Status added = add_kernel_rom(board, info, all); !added) return added;
  if (Status mapped = map_image(board, options.bios); !mapped) return mapped;
  const PhysicalMemory& memory = board.memory();
  for (FirmwareFile& file : build_fw_cfg_tables(info, memory.low_ram_end(), memory.high_ram_end()))
    board.fw_cfg().add_file(file.name, std::move(file.bytes));
  board.fw_cfg().add_u16(FwCfg::kBootMenu, options.boot.menu);
  // With nothing to boot, a BIOS waits for good (as QEMU's -boot reboot-timeout=-1).
  board.fw_cfg().add_file("etc/boot-fail-wait", {0xFF, 0xFF, 0xFF, 0xFF});
  add_serial_console(board);
  return success();
}

}  // namespace

std::vector<u8> read_video_bios() {
  namespace fs = std::filesystem;
  auto image = read_image("-vga", (fs::path(kSeaBiosFolder) / kVideoBiosImage).string());
  return image ? std::move(*image) : std::vector<u8>{};
}

bool boots_by_itself(const Options& options) {
  const bool image = !options.firmware.bios.empty();
  return image || (options.firmware.own && options.kernel.empty() && options.image.empty());
}

bool starts_behind_bios(const EntryState& entry, const Options& options) {
  return options.firmware.own && entry.mode == EntryMode::Real16;
}

Status install_firmware(Pc& board, const BoardInfo& info, const Options& options) {
  const FirmwareOptions& firmware = options.firmware;
  if (Status added = add_items(board.fw_cfg(), firmware.fw_cfg); !added) return added;
  if (Status added = add_option_roms(board.fw_cfg(), firmware.option_roms); !added) return added;
  if (firmware.own) return install_own(board, info, options);
  return firmware.bios.empty() ? success() : install_image(board, info, options);
}

void reset_firmware(Pc& board, const BoardInfo& info, const FirmwareOptions& options) {
  if (options.own) place_rom_tables(load_target(board.memory()), info);
  set_boot_order(board, options.boot);
}

}  // namespace ring3
