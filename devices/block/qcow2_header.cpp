// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "devices/block/qcow2_format.h"

namespace ring3::qcow2 {
namespace {

constexpr u32 kMagic = 0x5146'49FB, kHeader2 = 72, kHeader3 = 104;
constexpr u32 kMaxBackingName = 1023, kMaxL1 = 32 << 20, kMaxRefcountTable = 8 << 20;
enum Incompatible : u64 { kDirty = 1, kCorrupt = 2, kDataFile = 4, kCompression = 8, kLongL2 = 16 };
constexpr u32 kEndOfExtensions = 0, kBackingFormat = 0xE279'2ACA;

Status read_version3(const std::array<u8, 112>& raw, Header& h, u32& length) {
  const u64 incompatible = load64(&raw[72]);
  h.dirty = incompatible & kDirty;
  h.corrupt = incompatible & kCorrupt;
  h.autoclear = load64(&raw[88]);
  h.refcount_order = load32(&raw[96]);
  length = load32(&raw[100]);
  h.zstd = (incompatible & kCompression) && raw[104] == 1;
  if (incompatible & kDataFile) return Error{"keeps its data in another file; convert it first"};
  if (incompatible & kLongL2) return Error{"has extended L2 entries; convert it first"};
  if (incompatible & ~u64{31}) return Error{"uses features unknown here; convert it first"};
  if ((incompatible & kCompression) && raw[104] > 1)
    return Error{"has an unknown compression; convert it first"};
  if (h.refcount_order > 6) return corrupt("refcount width");
  if (length < kHeader3 || length > h.cluster_size()) return corrupt("header length");
  return success();
}

Status check_tables(const Header& h, u64 file_size) {
  const u64 l1_needed = h.size ? (h.size - 1) / (h.cluster_size() * h.l2_entries()) + 1 : 0;
  const auto in_file = [file_size](u64 offset, u64 size) {
    return offset <= file_size && size <= file_size - offset;
  };
  const bool aligned =
      h.l1_offset % h.cluster_size() == 0 && h.refcount_table_offset % h.cluster_size() == 0;
  if (!aligned) return corrupt("unaligned tables");
  if (u64{h.l1_size} * 8 > kMaxL1 || h.l1_size < l1_needed) return corrupt("size of the L1 table");
  const u64 refcount_table = u64{h.refcount_table_clusters} << h.cluster_bits;
  if (refcount_table == 0 || refcount_table > kMaxRefcountTable)
    return corrupt("size of the refcount table");
  if (!in_file(h.l1_offset, u64{h.l1_size} * 8) ||
      !in_file(h.refcount_table_offset, refcount_table))
    return Error{"is truncated; take a complete copy, or see qemu-img check"};
  return success();
}

/// Extensions: type, length, data up to a multiple of eight.
Status read_extensions(const DiskFile& file, u64 at, u64 end, Header& h) {
  while (at + 8 <= end) {
    std::array<u8, 8> head;
    if (Status s = file.read(at, head); !s) return s;
    const u32 type = load32(&head[0]), length = load32(&head[4]);
    if (type == kEndOfExtensions) break;
    if (length > end - at - 8) return corrupt("header extension");
    if (type == kBackingFormat) {
      h.backing_format.resize(std::min(length, 16u));
      if (Status s = file.read(
              at + 8, {reinterpret_cast<u8*>(h.backing_format.data()), h.backing_format.size()});
          !s)
        return s;
    }
    at += 8 + ((u64{length} + 7) & ~u64{7});
  }
  return success();
}

Status read_backing_name(const DiskFile& file, u64 offset, u32 size, Header& h) {
  if (offset == 0) return success();
  if (size > kMaxBackingName || offset > h.cluster_size() || size > h.cluster_size() - offset)
    return corrupt("name of the backing file");
  h.backing_file.resize(size);
  return file.read(offset, {reinterpret_cast<u8*>(h.backing_file.data()), size});
}

}  // namespace

Result<Header> read_header(const DiskFile& file) {
  std::array<u8, 112> raw;
  if (Status s = file.read(0, raw); !s) return Error{s.error()};
  Header h;
  h.version = load32(&raw[4]);
  if (load32(&raw[0]) != kMagic) return Error{"is no qcow2 image"};
  if (file.size() < kHeader2) return Error{"is truncated; take a complete copy"};
  if (h.version != 2 && h.version != 3)
    return Error{fmt::format("is qcow2 of version {}; 2 and 3 can be used", h.version)};
  h.cluster_bits = load32(&raw[20]);
  if (h.cluster_bits < 9 || h.cluster_bits > 21) return corrupt("cluster size");
  h.size = load64(&raw[24]);
  if (h.size > u64{1} << 60) return corrupt("size");
  if (load32(&raw[32])) return Error{"is encrypted; decrypt it with qemu-img convert first"};
  h.l1_size = load32(&raw[36]);
  h.l1_offset = load64(&raw[40]);
  h.refcount_table_offset = load64(&raw[48]);
  h.refcount_table_clusters = load32(&raw[56]);
  h.snapshots = load32(&raw[60]);
  u32 length = kHeader2;
  if (h.version == 3)
    if (Status s = read_version3(raw, h, length); !s) return Error{s.error()};
  if (Status s = check_tables(h, file.size()); !s) return Error{s.error()};
  const u64 name = load64(&raw[8]);
  const u64 extensions_end = name ? std::min(name, h.cluster_size()) : h.cluster_size();
  if (Status s = read_extensions(file, length, extensions_end, h); !s) return Error{s.error()};
  if (Status s = read_backing_name(file, name, load32(&raw[16]), h); !s) return Error{s.error()};
  return h;
}

}  // namespace ring3::qcow2
