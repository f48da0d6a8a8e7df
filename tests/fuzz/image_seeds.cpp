// SPDX-License-Identifier: MIT
// Seeds of the target `images`: small qcow2 images, of 512-byte clusters, of each kind.
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "base/bits.h"
#include "tests/fuzz/target.h"

namespace ring3::fuzz {
namespace {

constexpr u64 kCluster = 512, kCopied = bit(63), kPacked = bit(62);
// By cluster: header, refcount table, refcount block, L1, L2, data.
constexpr u64 kTable = 1 * kCluster, kBlock = 2 * kCluster, kL1 = 3 * kCluster, kL2 = 4 * kCluster,
              kData = 5 * kCluster;

struct Image {
  std::vector<u8> bytes = std::vector<u8>(8 * kCluster);
  void put32(u64 at, u32 value) { store(&bytes[at], __builtin_bswap32(value)); }
  void put64(u64 at, u64 value) { store(&bytes[at], __builtin_bswap64(value)); }
  void put16(u64 at, u16 value) { store(&bytes[at], __builtin_bswap16(value)); }

  explicit Image(u32 version) {
    put32(0, 0x5146'49FB), put32(4, version);
    put32(20, 9);  // cluster bits
    put64(24, 100 * kCluster);
    put32(36, 2), put64(40, kL1), put64(48, kTable), put32(56, 1);
    if (version == 3) put32(96, 4), put32(100, 112);
    put64(kTable, kBlock);
    for (u64 cluster = 0; cluster < 8; ++cluster) put16(kBlock + 2 * cluster, 1);
    put64(kL1, kL2 | kCopied);
    put64(kL2, kData | kCopied), put64(kL2 + 8, (kData + kCluster) | kCopied);
    std::fill(bytes.begin() + kData, bytes.end(), u8{0xAB});
  }
  void back(std::string_view name) {
    put64(8, 256), put32(16, static_cast<u32>(name.size()));
    std::copy(name.begin(), name.end(), bytes.begin() + 256);
  }
  /// Cluster 2 of the guest, packed into the last of the file.
  void pack(std::span<const u8> packed) {
    std::copy(packed.begin(), packed.end(), bytes.begin() + 7 * kCluster);
    put64(kL2 + 16, kPacked | 7 * kCluster);
  }
};

std::vector<u8> deflated(std::span<const u8> in) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY);
  std::vector<u8> out(kCluster);
  stream.next_in = const_cast<u8*>(in.data()), stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data(), stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::vector<u8> zstd_packed(std::span<const u8> in) {
  std::vector<u8> out(ZSTD_compressBound(in.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), in.data(), in.size(), 3));
  return out;
}

/// Reads, writes over what is there and where nothing is, a discard, a flush, and again.
std::vector<u8> input(u8 flags, const std::vector<u8>& file) {
  struct Op {
    u8 kind, shift;
    u16 count;
    u32 first;
  };
  constexpr Op kOps[] = {{0, 0, 4, 0},  {1, 0, 2, 1}, {1, 0, 20, 60}, {3, 0, 0, 0},  {2, 0, 3, 1},
                         {1, 0, 1, 70}, {3, 0, 0, 0}, {4, 0, 0, 0},   {0, 0, 100, 0}};
  std::vector<u8> out{flags, std::size(kOps)};
  for (const Op& op : kOps) {
    std::array<u8, 8> bytes{op.kind, op.shift};
    store(&bytes[2], op.count), store(&bytes[4], op.first);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  out.insert(out.end(), file.begin(), file.end());
  return out;
}

Image with(u32 version, auto&& change) {
  Image image(version);
  change(image);
  return image;
}

}  // namespace

std::vector<Seed> seeds() {
  const std::vector<u8> text(kCluster, 'x');
  const Image v2(2), v3(3);
  const Image backed = with(3, [](Image& i) { i.back("201"); });
  const Image circle = with(3, [](Image& i) { i.back("200"); });
  const Image zlib = with(2, [&](Image& i) { i.pack(deflated(text)); });
  const Image zstd =
      with(3, [&](Image& i) { i.pack(zstd_packed(text)), i.put64(72, 8), i.bytes[104] = 1; });
  const Image shared = with(3, [](Image& i) {
    i.put64(kL1, kL2), i.put16(kBlock + 2 * 4, 2), i.put16(kBlock + 2 * 5, 2), i.put64(kL2, kData);
  });
  const Image zeros = with(3, [](Image& i) {
    i.put64(kL2 + 24, 1), i.put64(kL2 + 8, (kData + kCluster) | kCopied | 1);
  });
  const Image narrow = with(3, [](Image& i) {
    i.put32(96, 0);
    std::fill_n(i.bytes.begin() + kBlock, 64, u8{0});
    i.bytes[kBlock] = 0xFF;
  });
  const Image wide = with(3, [](Image& i) {
    i.put32(96, 6);
    for (u64 n = 0; n < 8; ++n) i.put64(kBlock + 8 * n, 1);
  });
  std::vector<Seed> all;
  const auto add = [&all](const char* name, u8 flags, const Image& image) {
    all.push_back({name, input(flags, image.bytes)});
  };
  add("v2", 1, v2), add("v3", 1, v3), add("read_only", 0, v3), add("snapshot", 9, v3);
  add("backed", 1, backed), add("circle", 1, circle), add("zlib", 1, zlib), add("zstd", 1, zstd);
  add("shared", 1, shared), add("zeros", 1, zeros), add("narrow", 1, narrow), add("wide", 1, wide);
  add("full_disk", 17, v3), add("full_disk_packed", 17, zlib), add("raw", 3, v2);
  add("raw_snapshot", 11, v2);
  return all;
}

}  // namespace ring3::fuzz
