// SPDX-License-Identifier: MIT
// Media for tests of disk controllers: one in memory that can fail on demand, one whose contents
// depend on the address only.
#pragma once

#include <algorithm>
#include <vector>

#include "devices/block/block_device.h"

namespace ring3::test {

struct MemoryMedium final : BlockDevice {
  explicit MemoryMedium(u64 bytes) : data(bytes) {
    for (u64 i = 0; i < bytes; ++i) data[i] = static_cast<u8>(i / kSectorSize * 7 + i % 251);
  }
  std::vector<u8> data;
  bool locked = false, broken = false;
  int flushes = 0, discards = 0;

  u64 size() const override { return data.size(); }
  bool read_only() const override { return locked; }
  bool read(u64 offset, std::span<u8> out) override {
    std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return !broken;
  }
  bool write(u64 offset, std::span<const u8> in) override {
    if (locked || broken) return false;
    std::copy(in.begin(), in.end(), data.begin() + static_cast<std::ptrdiff_t>(offset));
    return true;
  }
  bool flush() override { return ++flushes, !broken; }
  bool discard(u64 offset, u64 length) override {
    ++discards;
    std::fill_n(data.begin() + static_cast<std::ptrdiff_t>(offset), length, u8{0});
    return !locked && !broken;
  }
  std::string error() const override { return broken ? "broken" : ""; }
};

/// Large, holds no memory, forgets what is written.
struct PatternMedium final : BlockDevice {
  u64 bytes = u64{1} << 40;
  u64 size() const override { return bytes; }
  bool read_only() const override { return false; }
  bool read(u64 offset, std::span<u8> out) override {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<u8>((offset + i) * 0x9E37'79B9'7F4A'7C15 >> 56);
    return true;
  }
  bool write(u64, std::span<const u8>) override { return true; }
  bool flush() override { return true; }
  bool discard(u64, u64) override { return true; }
  std::string error() const override { return ""; }
};

}  // namespace ring3::test
