// SPDX-License-Identifier: MIT
// The qcow2 format, versions 2 and 3 (QEMU's docs/interop/qcow2.txt): the header and the bits of
// table entries. Numbers in the file are big-endian.
#pragma once

#include <cstring>
#include <string>

#include "base/bits.h"
#include "base/result.h"
#include "host/disk_file.h"

namespace ring3::qcow2 {

inline constexpr u64 kCopied = bit(63), kCompressed = bit(62), kZero = 1;
inline constexpr u64 kOffsetMask = low_mask(56) & ~low_mask(9);

inline u64 load64(const u8* p) { return __builtin_bswap64(load<u64>(p)); }
inline u32 load32(const u8* p) { return __builtin_bswap32(load<u32>(p)); }
inline void store64(u8* p, u64 value) { store(p, __builtin_bswap64(value)); }

struct Header {
  u32 version = 0, cluster_bits = 0, l1_size = 0, refcount_table_clusters = 0, snapshots = 0;
  u64 size = 0, l1_offset = 0, refcount_table_offset = 0, autoclear = 0;
  u32 refcount_order = 4;
  bool zstd = false, dirty = false, corrupt = false;
  std::string backing_file, backing_format;

  u64 cluster_size() const { return u64{1} << cluster_bits; }
  u64 l2_entries() const { return cluster_size() / 8; }
};

// Offsets of fields that are written.
inline constexpr u64 kRefcountTableField = 48, kAutoclearField = 88;

/// Reads and checks the header; an error is the reason and the way out.
Result<Header> read_header(const DiskFile& file);

/// For a table that names what cannot be: the image needs a repair.
inline Error corrupt(std::string_view what) {
  return {"is corrupt (" + std::string(what) + "); see qemu-img check"};
}

}  // namespace ring3::qcow2
