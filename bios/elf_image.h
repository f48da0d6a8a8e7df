// SPDX-License-Identifier: MIT
// The loadable parts of an x86 ELF executable, 32- or 64-bit (System V ABI "Program Header").
#pragma once

#include "bios/load_target.h"

namespace ring3 {

struct ImageSegment {
  u64 address = 0;            ///< physical
  u64 memory_size = 0;        ///< what `bytes` does not fill is zero
  std::span<const u8> bytes;  ///< points into the file
};

struct ElfImage {
  u64 entry = 0;  ///< physical
  bool is_64bit = false;
  std::vector<ImageSegment> segments;
};

bool is_elf(std::span<const u8> file);

/// The error is the bare reason: "is truncated: ...".
Result<ElfImage> parse_elf(std::span<const u8> file);

}  // namespace ring3
