// SPDX-License-Identifier: MIT
// -kernel behind a BIOS image: what a loader would write into memory, as bytes for fw_cfg, and an
// option ROM (kernel_rom/kernel_rom.asm) that fetches them and enters the kernel. Not emulated:
// entries in long mode; the ROM reads nothing but fw_cfg by DMA.
#pragma once

#include <vector>

#include "bios/load_target.h"

namespace ring3 {

/// Records what loaders write instead of writing it.
class KernelPieces {
 public:
  /// Of the same memory, but for what the BIOS may keep for itself at its end.
  LoadTarget target(const LoadTarget& memory);

  /// The ROM. `key`: where fw_cfg has data().
  Result<std::vector<u8>> rom(const EntryState& entry, u16 key) const;
  const std::vector<u8>& data() const { return data_; }

 private:
  struct Piece {
    u64 address, size;
  };
  void add(u64 address, std::span<const u8> bytes);

  std::vector<Piece> pieces_;
  std::vector<u8> data_;
};

}  // namespace ring3
