// SPDX-License-Identifier: MIT
// Flat images without a header: test guests at any address, boot sectors, BIOS images.
// Not emulated: BIOS services for a boot sector (there are none until a BIOS image is loaded).
#pragma once

#include <string>

#include "bios/load_target.h"

namespace ring3 {

/// A flat image at `address`, entered there in real mode (below 1 MiB) or flat 32-bit protected
/// mode, or in long mode with the first 4 GiB mapped. In real mode CS is 0 below 64 KiB, else
/// address / 16; the other segments are 0. `option`: as errors name it.
Result<EntryState> load_raw(const LoadTarget& target, const std::string& path, u64 address,
                            EntryMode mode, std::string_view option = "-kernel");

/// A 512-byte boot sector at 0000:7C00, DL = 80h (first hard disk), SP = 7C00h.
Result<EntryState> load_boot_sector(const LoadTarget& target, const std::string& path);

/// A BIOS image: the board maps all of it as ROM up to 4 GiB and its last 128 KiB up to 1 MiB; the
/// cpu starts from its reset state at FFFFFFF0h.
struct BiosImage {
  std::vector<u8> bytes;
  u64 high_address = 0;  ///< 4 GiB - size
  u64 low_address = 0;   ///< 1 MiB - low_size
  u64 low_size = 0;
  EntryState entry;  ///< EntryMode::Reset
  std::span<const u8> low() const { return std::span(bytes).last(low_size); }
};
Result<BiosImage> read_bios(const std::string& path);

}  // namespace ring3
