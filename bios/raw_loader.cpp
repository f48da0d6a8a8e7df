// SPDX-License-Identifier: MIT
#include "bios/raw_loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "bios/flat_mode.h"
#include "bios/memory_map.h"

namespace ring3 {
namespace {

constexpr u64 kBootSector = 0x7C00, kSectorSize = 512;
constexpr u8 kFirstHardDisk = 0x80;
constexpr u64 kBiosGranule = 0x10000, kBiosMost = 16 << 20, kBiosLow = 0x20000;

EntryState enter_real16(u64 address) {
  EntryState state;
  state.mode = EntryMode::Real16;
  state.cs = address < 0x10000 ? 0 : static_cast<u16>(address >> 4);
  state.rip = address - (u64{state.cs} << 4);
  state.rsp = kBootSector;
  return state;
}

}  // namespace

Result<EntryState> load_raw(const LoadTarget& target, const std::string& path, u64 address,
                            EntryMode mode, std::string_view option) {
  auto bytes = read_image(option, path);
  if (!bytes) return Error{bytes.error()};
  const u64 end = mode == EntryMode::Real16 ? std::min<u64>(target.low_ram_end, layout::kHighMemory)
                                            : target.low_ram_end;
  if (address >= end || bytes->size() > end - address) {
    return image_error(option, path,
                       fmt::format("{} at {:#x} does not fit below {:#x}; raise -m or lower the "
                                   "address",
                                   human_size(bytes->size()), address, end));
  }
  const bool on_tables =
      address < layout::kBootPagesEnd && address + bytes->size() > layout::kBootPages;
  if (mode == EntryMode::Long64 && on_tables) {
    return image_error(option, path,
                       fmt::format("at {:#x} would overwrite the page tables at {:#x} to {:#x}; "
                                   "give an address from there on",
                                   address, layout::kBootPages, layout::kBootPagesEnd));
  }
  EntryState state;
  switch (mode) {
    case EntryMode::Reset:
      break;
    case EntryMode::Real16:
      state = enter_real16(address);
      break;
    case EntryMode::Protected32:
      state = enter_protected32(target);
      break;
    case EntryMode::Long64:
      state = enter_long64(target);
      break;
  }
  if (mode == EntryMode::Protected32 || mode == EntryMode::Long64) state.rip = address;
  target.write(address, *bytes);
  return state;
}

Result<EntryState> load_boot_sector(const LoadTarget& target, const std::string& path) {
  auto bytes = read_image("-kernel", path);
  if (!bytes) return Error{bytes.error()};
  if (bytes->size() < kSectorSize || (*bytes)[510] != 0x55 || (*bytes)[511] != 0xAA) {
    return image_error("-kernel", path,
                       "is not a boot sector (512 bytes that end in 55h AAh); give a disk's first "
                       "sector");
  }
  target.write(kBootSector, std::span(*bytes).first(kSectorSize));
  EntryState state = enter_real16(kBootSector);
  state.rdx = kFirstHardDisk;
  return state;
}

Result<BiosImage> read_bios(const std::string& path) {
  auto bytes = read_image("-bios", path);
  if (!bytes) return Error{bytes.error()};
  if (bytes->size() % kBiosGranule != 0 || bytes->size() > kBiosMost) {
    return image_error(
        "-bios", path,
        fmt::format("has {} bytes; a BIOS image has a multiple of 64 KiB, at most 16 "
                    "MiB",
                    bytes->size()));
  }
  BiosImage image;
  image.bytes = std::move(*bytes);
  image.high_address = 0x1'0000'0000 - image.bytes.size();
  image.low_size = std::min<u64>(image.bytes.size(), kBiosLow);
  image.low_address = layout::kHighMemory - image.low_size;
  return image;
}

}  // namespace ring3
