// SPDX-License-Identifier: MIT
// Compressed clusters: a raw deflate stream or a zstd frame at any byte of the file, in whole
// 512-byte sectors, the last of which may hold other data too.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "devices/block/qcow2_image.h"

namespace ring3 {
namespace {

using namespace qcow2;

bool inflate_raw(std::span<const u8> packed, std::span<u8> out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  stream.next_in = const_cast<u8*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  // What follows the stream in its last sector is not ours.
  return (result == Z_STREAM_END || result == Z_BUF_ERROR) && stream.avail_out == 0;
}

bool unpack_zstd(std::span<const u8> packed, std::span<u8> out) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  ZSTD_outBuffer result{out.data(), out.size(), 0};
  bool good = context != nullptr;
  while (good && result.pos < result.size) {
    const size_t before_in = in.pos, before_out = result.pos;
    good = !ZSTD_isError(ZSTD_decompressStream(context, &result, &in)) &&
           (in.pos != before_in || result.pos != before_out);
  }
  ZSTD_freeDCtx(context);
  return good;
}

}  // namespace

Status Qcow2Image::unpack(std::span<const u8> packed) {
  unpacked_.resize(cluster_size_);
  if (h_.zstd ? unpack_zstd(packed, unpacked_) : inflate_raw(packed, unpacked_)) return success();
  return corrupt("compressed cluster");
}

Status Qcow2Image::read_compressed(u64 entry, u64 within, std::span<u8> out) {
  const unsigned split = 62 - (h_.cluster_bits - 8);
  const u64 start = entry & low_mask(split);
  const u64 size = ((bits(entry, 61, split) + 1) << 9) - (start & 511);
  if (start == 0 || start >= file_->size())
    return Error{"is truncated or corrupt; see qemu-img check"};
  if (unpacked_entry_ != entry) {
    unpacked_entry_ = 0;
    std::vector<u8> packed(size);
    if (Status s = file_->read(start, packed); !s) return s;
    if (Status s = unpack(packed); !s) return s;
    unpacked_entry_ = entry;
  }
  std::copy_n(unpacked_.begin() + static_cast<std::ptrdiff_t>(within), out.size(), out.begin());
  return success();
}

}  // namespace ring3
